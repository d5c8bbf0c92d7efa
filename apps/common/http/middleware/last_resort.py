"""The answer where error handling itself fails."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase

from apps.common.http.problems import problem_response

_log = structlog.get_logger("http")


class LastResortMiddleware:
    """A problem document for what is raised although Django turns exceptions into answers: by the handlers that do so.

    It stands inside of CORS and the security headers, so that this answer has them like any other.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, whatever happens."""
        try:
            return self._get_response(request)
        except Exception:  # noqa: BLE001  (logged; the caller gets an answer whatever happened)
            _log.exception("http.error_handler_failed")
            return problem_response(
                status=500, code="internal_error", detail="Something went wrong on our side."
            )
