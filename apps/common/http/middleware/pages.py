"""Keeps Django's middleware for pages (TLS redirect, sessions, CSRF, sign-in, messages, frames) out of API calls and probes.

Those are listed in MIDDLEWARE as Django's checks and admin site expect them, between `PagesMiddleware` and
`BehindPagesMiddleware`. An API call goes from the one to the other: it costs a comparison instead of six layers, and
can do nothing by a cookie.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

from apps.common.http.middleware.paths import PROBES, is_api

Handler = Callable[[HttpRequest], HttpResponseBase]
# Django builds the layers from the innermost out, in one thread: what lies behind is there before PagesMiddleware is.
# (Looking for it through the layers between fails when something wraps them, as Sentry does.)
_built: Final = threading.local()


class BehindPagesMiddleware:
    """Marks the place behind the page middleware."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response
        _built.behind = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on what came through the page middleware."""
        return self._get_response(request)


class PagesMiddleware:
    """Sends pages through Django's middleware; API calls and probes past it.

    A call below /api/ that brings the session cookie takes the long way: documentation pages may be opened by who is
    signed in to the admin site. (Zones never take a cookie for a credential; that is the guard's to decide.)
    Raises ImproperlyConfigured when no BehindPagesMiddleware follows it.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response
        behind: Handler | None = vars(_built).pop("behind", None)
        if behind is None:
            raise ImproperlyConfigured(
                "MIDDLEWARE has to list BehindPagesMiddleware after PagesMiddleware and what pages go through."
            )
        self._behind = behind
        self._cookie = f"{settings.SESSION_COOKIE_NAME}="

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Choose the way."""
        if request.path in PROBES or (
            is_api(request.path) and self._cookie not in request.META.get("HTTP_COOKIE", "")
        ):
            return self._behind(request)
        return self._get_response(request)
