"""The request id, the access line and the figures of each request, and how long it may wait for the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from apps.common.callers import Caller, CallerKind
from apps.common.http.client_address import client_address, network_of
from apps.common.http.middleware.paths import PROBES
from infrastructure.database import budget
from infrastructure.telemetry import context, metrics

HEADER = "X-Request-ID"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.get_logger("http")


class RequestContextMiddleware:
    """Outermost. Gives the request its id (`request.request_id`), and every answer the header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then write one line: method, path without its query, status, milliseconds, zone, caller."""
        started = time.perf_counter()
        identifier = context.accept_request_id(request.META.get("HTTP_X_REQUEST_ID"))
        context.clear()
        context.bind(request_id=identifier)
        context.remember_network(network_of(client_address(request)))
        request.request_id = identifier  # type: ignore[attr-defined]
        with budget.request():
            response = self._get_response(request)
        response[HEADER] = identifier
        if isinstance(response, HttpResponse) and "Content-Length" not in response.headers:
            # Without it a server has to send the answer in chunks.
            response.headers["Content-Length"] = str(len(response.content))
        self._record(request, response.status_code, time.perf_counter() - started)
        # An answer that streams is produced after this; its lines keep the id until the thread's next request.
        return response

    def _record(self, request: HttpRequest, status: int, seconds: float) -> None:
        zone: Any = getattr(request, "zone", None)
        zone_name: str = getattr(zone, "name", "")
        match = request.resolver_match
        method = request.method if request.method in _METHODS else "OTHER"
        metrics.observe_request(
            zone=zone_name,
            route=match.route if match is not None else "",
            method=method or "",
            status=status,
            seconds=seconds,
        )
        # Probes come every few seconds; they would drown the rest of the log.
        write = _log.debug if request.path in PROBES and status < 400 else _log.info
        write(
            "http.request",
            method=method,
            path=request.path,
            status=status,
            ms=round(seconds * 1000, 1),
            zone=zone_name,
            caller=_caller_id(getattr(request, "caller", None)),
        )


def _caller_id(caller: Caller | None) -> str:
    if caller is None or caller.kind is CallerKind.ANONYMOUS:
        return ""
    return caller.throttle_key("")
