"""The test suite: development with real PostgreSQL and Valkey, mail in memory, a cheap password hash."""

from infrastructure import environment

# mypy and other programs that only read the settings need no servers; tests get theirs from infrastructure.embedded.
environment.fall_back(DATABASE_URL="postgres://nobody@127.0.0.1:1/none", REDIS_URL="redis://127.0.0.1:1/0")

from config import env
from config.settings.base import *  # noqa: F403
from config.settings.base import COMMIT, ENVIRONMENT, INSTALLED_APPS, LOG_LEVEL, MIDDLEWARE, RELEASE
from config.settings.components.database import connection
from infrastructure.environment.secrets import SAMPLE_SECRET_KEY
from infrastructure.telemetry import configure

globals().update(env.overrides("TEST"))

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
SECRET_KEY = SAMPLE_SECRET_KEY
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# pytest-django creates and drops the database, which a pool's idle connections would block.
DATABASES = {"default": connection(pooled=False)}
# Tests that commit empty every table afterwards; only here does the audit log allow it.
DATABASES["default"]["OPTIONS"]["options"] += " -c append_only.truncate=on"

# A request that loads related rows one by one raises zeal.NPlusOneError (apps.common.testing).
INSTALLED_APPS = [*INSTALLED_APPS, "zeal"]
MIDDLEWARE = ["zeal.middleware.zeal_middleware", *MIDDLEWARE]
# Look-ups that these libraries repeat: of a session that is not found, and of the one row that tells beat of changes.
ZEAL_ALLOWLIST = [
    {"model": "sessions.Session", "field": "get()"},
    {"model": "django_celery_beat.PeriodicTasks", "field": "get()"},
]

# Static files come from the slices' own folders, uploads from local disk: there is no nginx and no collectstatic.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
SERVE_MEDIA = True

configure(
    json=True,
    level=LOG_LEVEL,
    environment=ENVIRONMENT or "test",
    release=RELEASE,
    commit=COMMIT,
)
