"""Celery signals that pass the request id from publisher to task, and log and measure each run."""

from __future__ import annotations

import time
from typing import Any

import structlog
from celery import signals

from infrastructure.product import PRODUCT
from infrastructure.telemetry import context, metrics, tracing

HEADER = "request_id"
# Messages that an earlier release queued carry its slug.
HEADERS = (HEADER, *(f"{slug}_{HEADER}" for slug in PRODUCT.formerly))
_log = structlog.get_logger("tasks")


def install() -> None:
    """Connect the signals, once for each process. Called by config/celery.py in every process that uses Celery."""
    signals.setup_logging.connect(_keep_logging, dispatch_uid="telemetry.logging")
    signals.before_task_publish.connect(_send_request_id, dispatch_uid="telemetry.publish")
    signals.task_prerun.connect(_start, dispatch_uid="telemetry.start")
    signals.task_retry.connect(_retry, dispatch_uid="telemetry.retry")
    signals.task_failure.connect(_failure, dispatch_uid="telemetry.failure")
    signals.task_postrun.connect(_end, dispatch_uid="telemetry.end")


def _keep_logging(**_: Any) -> None:
    """A receiver of this signal keeps Celery from configuring `logging` itself."""


def _send_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None and HEADER not in headers:
        headers[HEADER] = context.request_id() or context.new_request_id()


def _start(task: Any = None, task_id: str = "", **_: Any) -> None:
    context.clear()
    # A worker makes headers attributes of the request; a task that runs in place keeps them apart.
    headers = {**vars(task.request), **(task.request.headers or {})}
    offered = next((headers[key] for key in HEADERS if headers.get(key)), None)
    context.bind(request_id=context.accept_request_id(offered), task_id=task_id, task=task.name)
    task.request.started_at = time.perf_counter()
    if tracing.is_on():
        task.request.span = tracing.part_of(context.request_id(), f"task {task.name}", task_id=task_id)
        task.request.span.__enter__()


def _retry(request: Any = None, reason: Any = None, **_: Any) -> None:
    _log.warning("task.retry", error=repr(reason), attempt=request.retries + 1)


def _failure(exception: BaseException | None = None, einfo: Any = None, **_: Any) -> None:
    _log.error("task.failed", error=repr(exception), traceback=str(einfo.traceback) if einfo else "")


def _end(task: Any = None, state: str | None = None, **_: Any) -> None:
    outcome = (state or "unknown").lower()
    seconds = time.perf_counter() - getattr(task.request, "started_at", time.perf_counter())
    metrics.TASKS.labels(task.name, outcome).observe(seconds)
    _log.info("task.done", outcome=outcome, ms=round(seconds * 1000, 1))
    if (span := getattr(task.request, "span", None)) is not None:
        span.__exit__(None, None, None)
    context.clear()
