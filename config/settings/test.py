"""The test suite: development with real PostgreSQL and Valkey, mail in memory, a hash that costs little."""

from config.settings.base import *  # noqa: F403
from config.settings.base import ENVIRONMENT, IDENTITY_LIMITS, LOG_LEVEL, RELEASE
from config.settings.components.database import connection
from config.settings.components.samples import SAMPLE_FIELD_KEY, SAMPLE_JWT_KEY, SAMPLE_SECRET_KEY
from infrastructure.telemetry import configure

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
SECRET_KEY = SAMPLE_SECRET_KEY
JWT_KEYS = (("test", SAMPLE_JWT_KEY),)
FIELD_ENCRYPTION_KEYS = (SAMPLE_FIELD_KEY,)
ADMIN_SECOND_FACTOR = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# pytest-django creates and drops the database, which a pool's idle connections would block.
DATABASES = {"default": connection(pooled=False)}
# Between tests that commit, every table is emptied; nowhere else does the audit log let itself be.
DATABASES["default"]["OPTIONS"]["options"] += " -c sarsen.audit_truncate=on"
# Tests relay events themselves; a thread would write between their rollbacks.
OUTBOX_RELAY_THREAD = False
# The same algorithm as in production with its least cost: thousands of accounts are made in a run.
ARGON2_MEMORY_KIB, ARGON2_TIME, ARGON2_PARALLELISM = 8, 1, 1
# All tests sign in from one address; those about the limits set their own.
IDENTITY_LIMITS = {
    action: dict.fromkeys(counted, ("100000/minute",)) for action, counted in IDENTITY_LIMITS.items()
}

# Static files come from the slices' own folders, uploads from local disk: there is no nginx and no collectstatic.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
SERVE_MEDIA = True

configure(
    json=True,
    level=LOG_LEVEL,
    environment=ENVIRONMENT or "test",
    release=RELEASE,
)
