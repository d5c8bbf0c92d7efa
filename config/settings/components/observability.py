"""Logs by structlog, errors and traces by Sentry."""

from __future__ import annotations

from config import env

LOG_LEVEL = env.text("LOG_LEVEL").upper()
SENTRY_DSN = env.text("SENTRY_DSN")
ENVIRONMENT = env.text("ENVIRONMENT")
RELEASE = env.text("RELEASE")
# What the health checks of worker and beat look at.
HEARTBEAT_FILE = env.text("HEARTBEAT_FILE")
# `logging` is configured by infrastructure.telemetry, in one place for Django, Celery and uvicorn.
LOGGING_CONFIG = None
