"""Probes: is the process alive, are the parts that it needs there, and what has it measured.

Without the database, or with migrations that were not applied, a process answers nothing right: it is not ready. Without
Redis it is slower and says less, but it answers: it is ready, and degraded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from kombu import Connection

from apps.common.http.problems import problem_response
from infrastructure.cache import redis as cache
from infrastructure.database import budget
from infrastructure.telemetry import metrics as figures

TIMEOUT: Final = 2.0  # seconds for all parts together
GRACE: Final = 0.5  # seconds that parts may take longer than those that decide
_log = structlog.get_logger(__name__)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    cache.client().ping()


def _broker() -> None:
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "max_retries": 0}
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=1, transport_options=options) as broker:
        channel: Any = broker.default_channel
        channel.client.ping()


class PendingMigrations(Exception):
    """The code is ahead of the database."""


_migrated = False


def _migrations() -> None:
    global _migrated
    if _migrated:
        return
    executor = MigrationExecutor(connection)
    if pending := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise PendingMigrations(f"{len(pending)} to apply")
    _migrated = True


PARTS: Final[dict[str, Callable[[], None]]] = {
    "database": _database,
    "cache": _cache,
    "broker": _broker,
    "migrations": _migrations,
}
DECIDING: Final = ("database", "migrations")


class Examiner:
    """Checks parts at the same time, in threads that a part which hangs can keep, but never more than one each."""

    def __init__(self, parts: dict[str, Callable[[], None]], *, deciding: Sequence[str]) -> None:
        self._parts = parts
        self._deciding = deciding
        self._threads = ThreadPoolExecutor(max_workers=len(parts), thread_name_prefix="readyz")
        self._running: dict[str, Future[dict[str, Any]]] = {}

    def examine(self, *, timeout: float = TIMEOUT) -> dict[str, dict[str, Any]]:
        """Return `{part: {ok, ms, error?}}` within `timeout` seconds; never raises.

        A part that hangs and does not decide holds the answer up for GRACE seconds: a kubelet waits for one in all.
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
    except Exception as error:  # noqa: BLE001  (whatever it is, the part is not ready; the log has the details)
        _log.warning("readyz.part_away", part=name, error=repr(error))
        # The class says enough to whoever may ask; texts of drivers name hosts and users.
        return {"ok": False, "ms": _ms(started), "error": type(error).__name__}
    finally:
        connection.close()
    return {"ok": True, "ms": _ms(started)}


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


_examiner: Examiner | None = None


def alive(request: HttpRequest) -> HttpResponse:
    """`GET /healthz`: this process answers."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def ready(request: HttpRequest) -> HttpResponse:
    """`GET /readyz`: each part by name; 503 with Retry-After when one is away that decides, else what is degraded."""
    global _examiner
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if _examiner is None:
        _examiner = Examiner(PARTS, deciding=DECIDING)
    parts = _examiner.examine()
    away = [name for name, part in parts.items() if not part["ok"]]
    if not any(name in DECIDING for name in away):
        return JsonResponse(
            {"status": "degraded" if away else "ok", "degraded": away, "checks": parts},
            headers={"Cache-Control": "no-store"},
        )
    return problem_response(
        status=503,
        code="not_ready",
        detail=f"Not ready: {', '.join(away)}.",
        headers={"Retry-After": "5", "Cache-Control": "no-store"},
        extra={"checks": parts},
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """`GET /metrics` in Prometheus' text format; not for calls that came through a proxy."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return problem_response(status=404, code="not_found", detail="There is no such thing here.")
    return HttpResponse(figures.exposition(), content_type=figures.CONTENT_TYPE)
