"""Skips Django's page middleware (TLS redirect, sessions, CSRF, sign-in, messages, frames) for API calls and probes.

MIDDLEWARE lists it between `PagesMiddleware` and `BehindPagesMiddleware`, as Django's checks and admin site expect. API
calls skip it, which saves six layers, and makes cookies ineffective.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

from apps.common.http.middleware import PROBES, is_api

Handler = Callable[[HttpRequest], HttpResponseBase]
# Django creates the innermost layer first, in one thread: BehindPagesMiddleware exists before PagesMiddleware. (Searching
# it through the layers in between fails when Sentry wraps them.)
_built: Final = threading.local()


class BehindPagesMiddleware:
    """Marks the end of the page middleware."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response
        _built.behind = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)


class PagesMiddleware:
    """Passes pages through Django's middleware, but not API calls and probes.

    A call below /api/ with the session cookie does not skip it, so that users of the admin site can open documentation
    pages. (Zones never accept cookies.) Raises ImproperlyConfigured without a BehindPagesMiddleware.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response
        behind: Handler | None = vars(_built).pop("behind", None)
        if behind is None:
            raise ImproperlyConfigured(
                "MIDDLEWARE has to list BehindPagesMiddleware after PagesMiddleware and the middleware of pages."
            )
        self._behind = behind
        self._cookie = f"{settings.SESSION_COOKIE_NAME}="

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in PROBES or (
            is_api(request.path) and self._cookie not in request.META.get("HTTP_COOKIE", "")
        ):
            return self._behind(request)
        return self._get_response(request)
