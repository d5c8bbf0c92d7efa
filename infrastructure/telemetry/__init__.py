"""Logs, error reports, metrics, traces, and the request id that links them. No business code.

`configure` is called once, at the end of each settings module.
"""

from __future__ import annotations

from infrastructure.product import PRODUCT
from infrastructure.telemetry import logging, sentry, tracing


def configure(
    *,
    json: bool,
    level: str = "INFO",
    environment: str,
    sentry_dsn: str = "",
    release: str = "",
    commit: str = "",
    sentry_traces: float = 0.0,
    otlp_endpoint: str = "",
    traces: float = 1.0,
) -> None:
    """Set up the log and, when there is a DSN, Sentry, and state the build in the metrics.

    Args:
        json: One JSON object a line (production) instead of readable, coloured text.
        level: Threshold of the log, `DEBUG` to `CRITICAL`.
        environment: Name of this installation in Sentry.
        sentry_dsn: Sentry project; empty switches Sentry off, and then it is not even imported.
        release: Version that runs.
        commit: Commit that runs.
        sentry_traces: Share of requests and tasks that Sentry traces.
        otlp_endpoint: Collector of traces; empty switches tracing off, and then OpenTelemetry is not even imported.
        traces: Share of the traces that are recorded.
    """
    # Not above: `shared_metrics` comes before it, and is a module of this package.
    from infrastructure.telemetry import metrics

    metrics.name_build(version=release, commit=commit)
    logging.configure(json=json, level=level)
    if sentry_dsn:
        sentry.configure(dsn=sentry_dsn, environment=environment, release=release, traces=sentry_traces)
    if otlp_endpoint:
        tracing.configure(
            endpoint=otlp_endpoint,
            service=PRODUCT.slug,
            version=release,
            environment=environment,
            ratio=traces,
        )


__all__ = ["configure"]
