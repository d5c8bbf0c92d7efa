"""Prometheus metrics of the process, and their text format. Callers decide what is measured.

Processes of one server share their figures through files in a folder (`infrastructure.telemetry.shared_metrics`).
"""

from __future__ import annotations

import os
import platform
from functools import lru_cache

from prometheus_client import REGISTRY as _REGISTRY
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
    values,
)
from prometheus_client.registry import Collector

from infrastructure.product import PRODUCT

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUESTS = Histogram(
    f"{PRODUCT.identifier}_http_request_seconds",
    "Time to answer an HTTP request.",
    ("zone", "operation", "method", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TASKS = Histogram(
    f"{PRODUCT.identifier}_task_seconds",
    "Time to run a background task, by outcome.",
    ("task", "outcome"),
    buckets=(0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60),
)
OUTBOX = Counter(
    f"{PRODUCT.identifier}_outbox_events_total",
    "Events that the relay took up, by outcome.",
    ("event", "outcome"),
)
SOCKETS = Gauge(f"{PRODUCT.identifier}_sockets", "Open WebSockets.", ("kind",), multiprocess_mode="livesum")
REALTIME_FAILURES = Counter(
    f"{PRODUCT.identifier}_realtime_failures_total", "Pushes that did not reach Redis.", ("kind",)
)
ZONE_REFUSED = Counter(
    f"{PRODUCT.identifier}_zone_refused_total",
    "Calls that a zone or one of its views refused, by code.",
    ("zone", "code"),
)
RATE_LIMITED = Counter(f"{PRODUCT.identifier}_rate_limited_total", "Calls that a limit refused.", ("scope",))
RATE_LIMIT_FALLBACKS = Counter(
    f"{PRODUCT.identifier}_rate_limit_fallbacks_total", "Calls that were counted locally: Redis was away."
)
DATABASE_POOL_WAIT = Histogram(
    f"{PRODUCT.identifier}_database_pool_wait_seconds",
    "Time that code waited for a connection of the pool.",
    buckets=(0.001, 0.01, 0.1, 0.5, 1, 2.5, 5),
)
DATABASE_POOL_TIMEOUTS = Counter(
    f"{PRODUCT.identifier}_database_pool_timeouts_total", "Times that the pool had no connection in time."
)
DATABASE_POOL_IN_USE = Gauge(
    f"{PRODUCT.identifier}_database_pool_in_use",
    "Connections of the pool that code uses now.",
    multiprocess_mode="livesum",
)
DATABASE_POOL_LIMIT = Gauge(
    f"{PRODUCT.identifier}_database_pool_limit",
    "Connections that the pools may open.",
    multiprocess_mode="livesum",
)
BEAT_LEADER = Gauge(
    f"{PRODUCT.identifier}_beat_leader",
    "1 in the beat that publishes, 0 in one that waits.",
    multiprocess_mode="max",
)
BUILD_INFO = Gauge(
    f"{PRODUCT.identifier}_build_info",
    "1; its labels say what runs.",
    ("version", "commit", "python"),
    multiprocess_mode="max",
)


@lru_cache(maxsize=4096)
def _request_child(zone: str, operation: str, method: str, status: int) -> Histogram:
    return REQUESTS.labels(zone, operation, method, str(status))


def observe_request(*, zone: str, operation: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request. `operation` is an operation's id or a route's pattern, never a raw path."""
    _request_child(zone, operation, method, status).observe(seconds)


def name_build(*, version: str, commit: str) -> None:
    """State what runs; empty texts are unknown."""
    BUILD_INFO.labels(version or "unknown", commit or "unknown", platform.python_version()).set(1)


def is_shared() -> bool:
    """Whether several processes share their figures."""
    return values.ValueClass is not values.MutexValue


def exposition() -> bytes:
    """The text format of Prometheus, of this process or of all that share a folder."""
    return generate_latest(_registry())


def serve(address: str, port: int, *further: Collector) -> None:
    """Answer scrapes of this process and its children on a port of their own, in a thread.

    Args:
        further: Collectors that are asked at each scrape.

    Raises OSError when the address cannot be bound.
    """
    registry = _registry()
    for collector in further:
        registry.register(collector)
    server, _ = start_http_server(port, address, registry)
    # A child that outlives this process must not keep the port.
    os.register_at_fork(after_in_child=server.socket.close)


def _registry() -> CollectorRegistry:
    if not is_shared():
        return _REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
