"""The id, the log event and the metrics of each request, and its time limit for the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from apps.common.callers import Caller
from apps.common.http.client_address import client_address, network_of
from apps.common.http.middleware import PROBES
from infrastructure.database import budget
from infrastructure.telemetry import context, metrics, tracing

HEADER = "X-Request-ID"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# The one label of all paths that no route has.
UNKNOWN = "unknown"
_log = structlog.get_logger("http")


@lru_cache(maxsize=4096)
def _operation(view: Callable[..., Any], route: str, method: str) -> str:
    """The id of the view's operation, or the pattern of its route."""
    handler = getattr(getattr(view, "cls", None), "get" if method == "HEAD" else method.lower(), None)
    declared = getattr(handler, "operation", None)
    if declared is not None:
        return str(declared.id)
    # Patterns that take any path answer what is not there.
    return UNKNOWN if route.endswith((".*$", ".*)$", "(?:/|$)")) else route


def _labels(request: HttpRequest) -> tuple[str, str]:
    """The method and the operation of a request, each of a bounded number of values."""
    match = request.resolver_match
    method = request.method if request.method in _METHODS else "OTHER"
    return str(method), UNKNOWN if match is None else _operation(match.func, match.route, str(method))


class RequestContextMiddleware:
    """The outermost middleware. Sets `request.request_id` and the header of the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        identifier = context.accept_request_id(request.META.get("HTTP_X_REQUEST_ID"))
        context.clear()
        context.bind(request_id=identifier)
        context.remember_network(network_of(client_address(request)))
        request.request_id = identifier  # type: ignore[attr-defined]
        with budget.request(), tracing.request(identifier) as span:
            response = self._get_response(request)
            if span is not None:
                self._describe(span, request, response.status_code)
        response[HEADER] = identifier
        if isinstance(response, HttpResponse) and "Content-Length" not in response.headers:
            # Without it, the server sends the answer in chunks.
            response.headers["Content-Length"] = str(len(response.content))
        self._record(request, response.status_code, time.perf_counter() - started)
        # A streamed answer is produced later; its log events have the id until the thread's next request.
        return response

    def _describe(self, span: Any, request: HttpRequest, status: int) -> None:
        method, operation = _labels(request)
        attributes = {
            "http.request.method": method,
            "http.response.status_code": status,
            "operation": operation,
        }
        tracing.name_request(span, f"{method} {operation}", failed=status >= 500, **attributes)

    def _record(self, request: HttpRequest, status: int, seconds: float) -> None:
        zone: Any = getattr(request, "zone", None)
        caller: Caller | None = getattr(request, "caller", None)
        zone_name: str = getattr(zone, "name", "")
        method, operation = _labels(request)
        metrics.observe_request(
            zone=zone_name, operation=operation, method=method, status=status, seconds=seconds
        )
        # Probes are too frequent for the log.
        write = _log.debug if request.path in PROBES and status < 400 else _log.info
        write(
            "http.request",
            method=method,
            path=request.path,
            status=status,
            ms=round(seconds * 1000, 1),
            zone=zone_name,
            caller=caller.throttle_key("") if caller is not None and caller.is_authenticated else "",
        )
