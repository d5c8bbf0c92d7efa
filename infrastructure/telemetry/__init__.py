"""Logs, error reports, metrics, and the request id that links them. No business code.

`configure` is called once, at the end of each settings module.
"""

from __future__ import annotations

from infrastructure.telemetry import logging, sentry


def configure(
    *, json: bool, level: str = "INFO", environment: str, sentry_dsn: str = "", release: str = ""
) -> None:
    """Set up the log and, when there is a DSN, Sentry.

    Args:
        json: One JSON object a line (production) instead of readable, coloured text.
        level: Threshold of the log, `DEBUG` to `CRITICAL`.
        environment: Name of this installation in Sentry.
        sentry_dsn: Sentry project; empty switches Sentry off, and then it is not even imported.
        release: Version that runs, for Sentry.
    """
    logging.configure(json=json, level=level)
    if sentry_dsn:
        sentry.configure(dsn=sentry_dsn, environment=environment, release=release)


__all__ = ["configure"]
