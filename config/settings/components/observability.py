"""Logs by structlog, errors and traces by Sentry."""

from __future__ import annotations

from infrastructure import environment
from infrastructure.environment import values

VARIABLES = environment.Variables("Watching")

LOG_LEVEL = VARIABLES.choice(
    "LOG_LEVEL", "INFO", "Threshold of the log", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
)
SENTRY_DSN = VARIABLES.text(
    "SENTRY_DSN", "", "Sentry project; empty: off", parse=values.dsn, kind="URL", secret=True
)
SENTRY_TRACES_PERCENT = VARIABLES.number(
    "SENTRY_TRACES_PERCENT", 0, "Of 100 requests and tasks, how many Sentry traces", least=0, most=100
)
OTEL_EXPORTER_OTLP_ENDPOINT = VARIABLES.text(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "",
    "OpenTelemetry collector of traces (OTLP over HTTP), `http://collector:4318`; empty: off",
    parse=values.endpoint,
    kind="URL",
)
OTEL_TRACES_PERCENT = VARIABLES.number(
    "OTEL_TRACES_PERCENT", 100, "Of 100 traces, how many are recorded", least=0, most=100
)
ENVIRONMENT = VARIABLES.text(
    "ENVIRONMENT",
    "",
    "Name of this installation in Sentry; empty: by settings module",
    parse=values.matching(r"[^\s/]{1,64}", "a word of at most 64 characters without a slash"),
)
RELEASE = VARIABLES.text(
    "RELEASE",
    "",
    "Version that runs, for Sentry and metrics",
    parse=values.matching(r"[^\s/\\]{1,200}", "a word of at most 200 characters without a slash"),
)
COMMIT = VARIABLES.text(
    "COMMIT",
    "",
    "Commit that runs, for metrics; set in the image",
    parse=values.matching(r"[0-9a-f]{7,64}", "a hash"),
)
METRICS_ADDRESS = VARIABLES.text(
    "METRICS_ADDRESS",
    "127.0.0.1",
    "Address of the `/metrics` of worker and beat",
    parse=values.matching(r"[0-9A-Za-z.:-]{1,253}", "an address or a host name"),
)
METRICS_PORT = VARIABLES.number(
    "METRICS_PORT", 0, "Port of the `/metrics` of worker and beat; 0: none", least=0, most=65_535
)
# `logging` is configured by infrastructure.telemetry, in one place for Django, Celery and uvicorn.
LOGGING_CONFIG = None
