"""Prometheus metrics of the process, and their text format. Callers decide what is measured.

With PROMETHEUS_MULTIPROC_DIR set, the processes of one server share their figures through files in that folder.
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import REGISTRY as _REGISTRY
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)

from infrastructure.product import PRODUCT

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUESTS = Histogram(
    f"{PRODUCT.identifier}_http_request_seconds",
    "Time to answer an HTTP request.",
    ("zone", "route", "method", "status"),
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
OUTBOX_DEPTH = Gauge(
    f"{PRODUCT.identifier}_outbox_depth",
    "Events in the outbox, by state.",
    ("state",),
    multiprocess_mode="mostrecent",
)
SOCKETS = Gauge(f"{PRODUCT.identifier}_sockets", "Open WebSockets.", ("kind",), multiprocess_mode="livesum")
REALTIME_FAILURES = Counter(
    f"{PRODUCT.identifier}_realtime_failures_total", "Pushes that did not reach Redis.", ("kind",)
)
ZONE_REFUSALS = Counter(
    f"{PRODUCT.identifier}_zone_refused_total",
    "Calls that a zone or one of its views refused, by code.",
    ("zone", "code"),
)
RATE_LIMITED = Counter(f"{PRODUCT.identifier}_rate_limited_total", "Calls that a limit refused.", ("scope",))
RATE_LIMIT_FALLBACKS = Counter(
    f"{PRODUCT.identifier}_rate_limit_fallbacks_total", "Calls that were counted locally: Redis was away."
)


@lru_cache(maxsize=4096)
def _request_child(zone: str, route: str, method: str, status: int) -> Histogram:
    return REQUESTS.labels(zone, route, method, str(status))


def observe_request(*, zone: str, route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request. `route` is a route's pattern or name, never a raw path."""
    _request_child(zone, route, method, status).observe(seconds)


def is_shared() -> bool:
    """Whether several processes share their figures."""
    return values.ValueClass is not values.MutexValue


def exposition() -> bytes:
    """The text format of Prometheus, of this process or of all that share a folder."""
    if is_shared():
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(_REGISTRY)
