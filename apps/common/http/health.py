"""Probes of liveness and readiness, and metrics.

A process is not ready without its database or with pending migrations. Without Redis it is ready but degraded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from functools import cache
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from kombu import Connection

from apps.common.exceptions import NotFound
from apps.common.http.problems import problem_response
from infrastructure.cache import redis
from infrastructure.database import budget
from infrastructure.telemetry import metrics as measurements

TIMEOUT: Final = 2.0  # seconds for all parts together
GRACE: Final = 0.5  # further seconds for parts that do not decide
_log = structlog.get_logger(__name__)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    redis.client().ping()


def _broker() -> None:
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "max_retries": 0}
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=1, transport_options=options) as broker:
        channel: Any = broker.default_channel
        channel.client.ping()


class PendingMigrations(Exception):
    """The database lacks migrations of the code."""


@cache  # success is final
def _migrations() -> None:
    executor = MigrationExecutor(connection)
    if pending := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise PendingMigrations(f"{len(pending)} to apply")


PARTS: Final[dict[str, Callable[[], None]]] = {
    "database": _database,
    "cache": _cache,
    "broker": _broker,
    "migrations": _migrations,
}
DECIDING: Final = ("database", "migrations")


class Examiner:
    """Checks parts in parallel. A part that hangs blocks one thread."""

    def __init__(self, parts: dict[str, Callable[[], None]], *, deciding: Sequence[str]) -> None:
        self._parts = parts
        self._deciding = deciding
        self._threads = ThreadPoolExecutor(max_workers=len(parts), thread_name_prefix="readyz")
        self._running: dict[str, Future[dict[str, Any]]] = {}

    def examine(self, *, timeout: float = TIMEOUT) -> dict[str, dict[str, Any]]:
        """Return `{part: {ok, ms, error?}}` within `timeout` seconds; never raises.

        A part that does not decide delays the answer by at most GRACE seconds, because a kubelet waits for one second.
        """
        deadline = time.monotonic() + timeout
        for name, check in self._parts.items():
            running = self._running.get(name)
            if running is None or running.done():
                self._running[name] = self._threads.submit(_examined, name, check)
        found = {name: self._result(self._running[name], deadline) for name in self._deciding}
        deadline = min(deadline, time.monotonic() + GRACE)
        return {name: found.get(name) or self._result(self._running[name], deadline) for name in self._parts}

    @staticmethod
    def _result(running: Future[dict[str, Any]], deadline: float) -> dict[str, Any]:
        try:
            return running.result(timeout=max(0.0, deadline - time.monotonic()))
        except NoAnswer:
            return {"ok": False, "ms": None, "error": "no answer in time"}


def _examined(name: str, check: Callable[[], None]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        with budget.request():
            check()
    except Exception as error:  # noqa: BLE001  (logged; the part is not ready)
        _log.warning("readyz.part_failed", part=name, error=repr(error))
        # Only the class, because the texts of drivers name hosts and users.
        return {"ok": False, "ms": _ms(started), "error": type(error).__name__}
    finally:
        connection.close()
    return {"ok": True, "ms": _ms(started)}


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


@cache
def _examiner() -> Examiner:
    return Examiner(PARTS, deciding=DECIDING)


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """`GET /healthz`: this process answers."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """`GET /readyz`: the state of each part; 503 with Retry-After if a deciding part fails."""
    parts = _examiner().examine()
    failed = [name for name, part in parts.items() if not part["ok"]]
    if not any(name in DECIDING for name in failed):
        return JsonResponse(
            {"status": "degraded" if failed else "ok", "degraded": failed, "checks": parts},
            headers={"Cache-Control": "no-store"},
        )
    return problem_response(
        status=503,
        code="not_ready",
        detail=f"Not ready: {', '.join(failed)}.",
        headers={"Retry-After": "5", "Cache-Control": "no-store"},
        extra={"checks": parts},
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """`GET /metrics` in Prometheus' text format; 404 for requests through a proxy."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return problem_response(status=404, code="not_found", detail=NotFound.detail)
    return HttpResponse(measurements.exposition(), content_type=measurements.CONTENT_TYPE)
