"""Production: every secret is required and strong, TLS in front, JSON log."""

from config import env
from config.settings.base import *  # noqa: F403
from config.settings.base import (
    COMMIT,
    ENVIRONMENT,
    LOG_LEVEL,
    MAIL_SERVER,
    PUBLIC_URL,
    RELEASE,
    SECURE_HSTS,
    SECURE_SSL,
    SENTRY_DSN,
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

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "infrastructure.storage.static.HashedStaticFilesStorage"}}

globals().update(MAIL_SERVER or {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"})

configure(
    json=True,
    level=LOG_LEVEL,
    environment=ENVIRONMENT or "production",
    sentry_dsn=SENTRY_DSN,
    release=RELEASE,
    commit=COMMIT,
)
