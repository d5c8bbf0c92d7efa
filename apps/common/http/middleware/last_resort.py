"""The answer to errors of error handlers."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase

from apps.common.http.problems import problem_response

_log = structlog.get_logger("http")


class LastResortMiddleware:
    """A problem document for exceptions in Django's error handlers.

    Inside of the middleware of CORS and security headers, so that the answer has their headers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self._get_response(request)
        except Exception:  # noqa: BLE001  (logged and answered)
            _log.exception("http.error_handler_failed")
            return problem_response(
                status=500, code="internal_error", detail="Something went wrong on our side."
            )
