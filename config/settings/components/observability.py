"""Logs by structlog, errors and traces by Sentry, the audit log."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured

from config import env

LOG_LEVEL = env.text("LOG_LEVEL").upper()
SENTRY_DSN = env.text("SENTRY_DSN")
ENVIRONMENT = env.text("ENVIRONMENT")
RELEASE = env.text("RELEASE")
# What the health checks of worker and beat look at.
HEARTBEAT_FILE = env.text("HEARTBEAT_FILE")
# `logging` is configured by infrastructure.telemetry, in one place for Django, Celery and uvicorn.
LOGGING_CONFIG = None

# The database itself keeps the last 30 days (migration common.0002).
AUDIT_RETENTION = timedelta(days=env.number("AUDIT_RETENTION_DAYS"))
if timedelta(days=30) > AUDIT_RETENTION:
    raise ImproperlyConfigured("AUDIT_RETENTION_DAYS must be 30 or more.")
