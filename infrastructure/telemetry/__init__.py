"""Logs, error reports, metrics, and the request id that links them. No business code.

`configure` is called once, at the end of each settings module.
"""

from __future__ import annotations

from infrastructure.telemetry import logging, sentry


def configure(
    *,
    json: bool,
    level: str = "INFO",
    environment: str,
    sentry_dsn: str = "",
    release: str = "",
    commit: str = "",
) -> None:
    """Set up the log and, when there is a DSN, Sentry, and state the build in the metrics.

    Args:
        json: One JSON object a line (production) instead of readable, coloured text.
        level: Threshold of the log, `DEBUG` to `CRITICAL`.
        environment: Name of this installation in Sentry.
        sentry_dsn: Sentry project; empty switches Sentry off, and then it is not even imported.
        release: Version that runs.
        commit: Commit that runs.
    """
    # Not above: `shared_metrics` comes before it, and is a module of this package.
    from infrastructure.telemetry import metrics

    metrics.name_build(version=release, commit=commit)
    logging.configure(json=json, level=level)
    if sentry_dsn:
        sentry.configure(dsn=sentry_dsn, environment=environment, release=release)


__all__ = ["configure"]
