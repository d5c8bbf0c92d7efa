"""Production: every secret is given and strong, TLS in front, JSON log."""

from config import env
from config.secrets import require_strong
from config.settings.base import *  # noqa: F403
from config.settings.base import (
    ALLOWED_HOSTS,
    ENVIRONMENT,
    FIELD_ENCRYPTION_KEYS,
    JWT_KEYS,
    LOG_LEVEL,
    PUBLIC_URL,
    RELEASE,
    SENTRY_DSN,
    STORAGES,
)
from infrastructure.telemetry import configure

SECRET_KEY = env.text("SECRET_KEY")
require_strong(
    secret_key=SECRET_KEY,
    jwt_keys=JWT_KEYS,
    field_keys=FIELD_ENCRYPTION_KEYS,
    allowed_hosts=tuple(ALLOWED_HOSTS),
    urls={name: env.url(name) for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL")},
)

_TLS = env.flag("SECURE_SSL")
SECURE_SSL_REDIRECT = _TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _TLS
SECURE_HSTS_PRELOAD = _TLS
SESSION_COOKIE_SECURE = _TLS
CSRF_COOKIE_SECURE = _TLS
if _TLS:
    # Browsers take such a name only from this very host, over TLS, for all paths (RFC 6265bis): no neighbour can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "infrastructure.storage.static.HashedStaticFilesStorage"}}

if env.url("EMAIL_URL"):
    globals().update(env.email())
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

configure(
    json=True,
    level=LOG_LEVEL,
    environment=ENVIRONMENT or "production",
    sentry_dsn=SENTRY_DSN,
    release=RELEASE,
)
