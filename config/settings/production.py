"""Production: every secret is required and strong, TLS in front, JSON log."""

from infrastructure.telemetry import uncaught

uncaught.install()

# ruff: noqa: E402  (for the line above)
from config import env
from config.settings.base import *  # noqa: F403
from config.settings.base import (
    COMMIT,
    ENVIRONMENT,
    LOG_LEVEL,
    MAIL_SERVER,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_TRACES_PERCENT,
    PUBLIC_URL,
    RELEASE,
    SECURE_HSTS,
    SECURE_SSL,
    SENTRY_DSN,
    SENTRY_TRACES_PERCENT,
    STORAGES,
)
from infrastructure.telemetry import configure

env.refuse_weak()

SECURE_SSL_REDIRECT = SECURE_SSL
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_SSL and SECURE_HSTS != "host"
SECURE_HSTS_PRELOAD = SECURE_SSL and SECURE_HSTS == "preload"
# That subdomains and preload lists are left out is a choice of the site.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = SECURE_SSL
CSRF_COOKIE_SECURE = SECURE_SSL
if SECURE_SSL:
    # Browsers take such a name only from this very host, over TLS, for all paths (RFC 6265bis): no neighbour can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

CONSOLE = "django.core.mail.backends.console.EmailBackend"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "infrastructure.storage.static.HashedStaticFilesStorage"}}

# Without a mail server, mails are lines of the log.
globals().update(MAIL_SERVER)
if MAIL_SERVER.get("EMAIL_BACKEND", CONSOLE) == CONSOLE:
    EMAIL_BACKEND = "infrastructure.email.log.LogBackend"

configure(
    json=True,
    level=LOG_LEVEL,
    environment=ENVIRONMENT or "production",
    sentry_dsn=SENTRY_DSN,
    release=RELEASE,
    commit=COMMIT,
    sentry_traces=SENTRY_TRACES_PERCENT / 100,
    otlp_endpoint=OTEL_EXPORTER_OTLP_ENDPOINT,
    traces=OTEL_TRACES_PERCENT / 100,
)
