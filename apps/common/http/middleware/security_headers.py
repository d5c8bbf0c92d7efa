"""The security headers of every answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from apps.common.http.middleware import PROBES, is_api
from infrastructure import storage

API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# `{nonce}` is `request.csp_nonce`. `connect-src 'self'` includes WebSockets (CSP level 3), but not in older Safari, which
# needs `{sockets}`.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:{pictures}; font-src 'self'; "
    "connect-src 'self'{sockets}; manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)
PERMISSIONS_POLICY: Final = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"
_NO_STORE: Final = ("Cache-Control", "no-store")


class SecurityHeadersMiddleware:
    """Adds headers that the view has not set.

    Inline code of a page needs `nonce="{{ request.csp_nonce }}"`; reading the nonce adds it to the policy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._hsts = _hsts()
        common = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
            "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
            # Other sites cannot embed an answer; pages allowed by CORS can still fetch it.
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": PERMISSIONS_POLICY,
            "X-Frame-Options": "DENY",
        }
        self._page_headers = tuple(common.items())
        self._api_headers = (*common.items(), ("Content-Security-Policy", API_POLICY), _NO_STORE)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        api = is_api(request.path) or request.path in PROBES
        # Also below /api/, where documentation pages have inline code.
        nonce: SimpleLazyObject[str] = SimpleLazyObject(partial(secrets.token_urlsafe, 18))
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self._get_response(request)
        headers = response.headers
        html = not api or headers.get("Content-Type", "").startswith("text/html")
        for name, value in self._page_headers if html else self._api_headers:
            headers.setdefault(name, value)
        if html:
            read = str(nonce) if type(nonce._wrapped) is str else ""  # noqa: SLF001  (the page has read it)
            policy = page_policy(read, host=_host(request), secure=request.is_secure())
            headers.setdefault("Content-Security-Policy", policy)
            if api:
                headers.setdefault(*_NO_STORE)
        if self._hsts and request.is_secure():
            headers.setdefault("Strict-Transport-Security", self._hsts)
        return response


def page_policy(nonce: str, *, host: str, secure: bool) -> str:
    """The policy of a page. Without a nonce, it allows no inline code; without a host, no sockets in older Safari."""
    pictures = storage.origin()
    return PAGE_POLICY.format(
        pictures=f" {pictures}" if pictures else "",
        nonce=f" 'nonce-{nonce}'" if nonce else "",
        sockets=f" {'wss' if secure else 'ws'}://{host}" if host else "",
    )


def _host(request: HttpRequest) -> str:
    """The host of a request; empty if it is not allowed."""
    try:
        return request.get_host()
    except DisallowedHost:
        return ""


def _hsts() -> str:
    """The value of Strict-Transport-Security (RFC 6797)."""
    if not settings.SECURE_HSTS_SECONDS:
        return ""
    value = f"max-age={settings.SECURE_HSTS_SECONDS}"
    if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
        value += "; includeSubDomains"
    if settings.SECURE_HSTS_PRELOAD:
        value += "; preload"
    return value
