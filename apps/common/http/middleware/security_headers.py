"""The security headers of every answer.

Pages get their X-Frame-Options from Django's own middleware (see `pages`); the API skips that, so what it needs of it
is here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from apps.common.http.middleware.paths import PROBES, is_api
from infrastructure import storage

API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# `{nonce}` is `request.csp_nonce`. Connections to the own origin include WebSockets (CSP level 3; older Safari wants
# the scheme named).
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:{pictures}; font-src 'self'; "
    "connect-src 'self'{sockets}; manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)
PERMISSIONS_POLICY: Final = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"


class SecurityHeadersMiddleware:
    """Adds the headers that no view has set itself.

    A page that needs inline code puts `nonce="{{ request.csp_nonce }}"` on it; reading the nonce adds it to the
    policy. A view may set its own Content-Security-Policy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._hsts = _hsts()
        common = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
            "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
            # Other sites cannot embed an answer; pages that CORS admits fetch it all the same.
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": PERMISSIONS_POLICY,
        }
        self._page_headers = tuple(common.items())
        self._api_headers = (
            *common.items(),
            ("Content-Security-Policy", API_POLICY),
            ("X-Frame-Options", "DENY"),
            ("Cache-Control", "no-store"),
        )

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and add the headers."""
        api = is_api(request.path) or request.path in PROBES
        # Documentation pages below /api/ have inline code, too.
        nonce: SimpleLazyObject[str] = SimpleLazyObject(_new_nonce)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self._get_response(request)
        headers = response.headers
        html = not api or headers.get("Content-Type", "").startswith("text/html")
        for name, value in self._page_headers if html else self._api_headers:
            if name not in headers:
                headers[name] = value
        if html:
            if "Content-Security-Policy" not in headers:
                headers["Content-Security-Policy"] = page_policy(
                    _used(nonce), host=_host(request), secure=request.is_secure()
                )
            if api and "Cache-Control" not in headers:
                headers["Cache-Control"] = "no-store"
            if "X-Frame-Options" not in headers:
                headers["X-Frame-Options"] = "DENY"
        if self._hsts and request.is_secure() and "Strict-Transport-Security" not in headers:
            headers["Strict-Transport-Security"] = self._hsts
        return response


def page_policy(nonce: str, *, host: str, secure: bool) -> str:
    """The policy of a page; without a nonce nothing inline runs, without a host no older Safari opens a socket."""
    pictures = storage.origin()
    return PAGE_POLICY.format(
        pictures=f" {pictures}" if pictures else "",
        nonce=f" 'nonce-{nonce}'" if nonce else "",
        sockets=f" {'wss' if secure else 'ws'}://{host}" if host else "",
    )


def _host(request: HttpRequest) -> str:
    """The host of a request, empty for one that is not allowed."""
    try:
        return request.get_host()
    except DisallowedHost:
        return ""


def _new_nonce() -> str:
    return secrets.token_urlsafe(18)


def _used(nonce: SimpleLazyObject[str]) -> str:
    """The nonce when the page asked for it."""
    if type(nonce._wrapped) is not str:  # noqa: SLF001
        return ""
    return str(nonce)


def _hsts() -> str:
    """The value of Strict-Transport-Security by Django's settings (RFC 6797)."""
    if not settings.SECURE_HSTS_SECONDS:
        return ""
    value = f"max-age={settings.SECURE_HSTS_SECONDS}"
    if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
        value += "; includeSubDomains"
    if settings.SECURE_HSTS_PRELOAD:
        value += "; preload"
    return value
