"""Keeps Django's middleware for pages (TLS redirect, sessions, CSRF, sign-in, messages, frames) out of API calls.

Those are listed in MIDDLEWARE as Django's checks and admin site expect them, right behind this one. An API call goes
on behind them: it costs one comparison instead of six layers, and can do nothing by a cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware

from apps.common.middleware.paths import is_api

Handler = Callable[[HttpRequest], HttpResponseBase]
PAGE_MIDDLEWARE = (
    SecurityMiddleware,
    SessionMiddleware,
    CsrfViewMiddleware,
    AuthenticationMiddleware,
    MessageMiddleware,
    XFrameOptionsMiddleware,
)


class PagesMiddleware:
    """Sends pages through Django's middleware and API calls past it.

    A call below /api/ that brings the session cookie takes the long way: documentation pages may be opened by who is
    signed in to the admin site. (Zones never take a cookie for a credential; that is the guard's to decide.)
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response
        self._behind = _behind_page_middleware(get_response)
        self._cookie = f"{settings.SESSION_COOKIE_NAME}="

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Choose the way."""
        if is_api(request.path) and self._cookie not in request.META.get("HTTP_COOKIE", ""):
            return self._behind(request)
        return self._get_response(request)


def _behind_page_middleware(handler: Any) -> Handler:
    """The handler that follows the page middleware.

    Django wraps each layer in a function that names the layer in `__wrapped__` (`functools.wraps`), and each layer
    keeps the next one as `get_response`. Raises ImproperlyConfigured when the layers are not where they should be.
    """
    passed = []
    while isinstance(layer := getattr(handler, "__wrapped__", None), PAGE_MIDDLEWARE):
        passed.append(type(layer))
        handler = layer.get_response
    if set(passed) != set(PAGE_MIDDLEWARE):
        names = ", ".join(middleware.__name__ for middleware in PAGE_MIDDLEWARE)
        raise ImproperlyConfigured(f"MIDDLEWARE has to list {names} right behind PagesMiddleware.")
    following: Handler = handler
    return following
