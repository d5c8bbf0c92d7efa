"""A developer's machine: `make run`. Sample secrets, mail into a folder, readable log."""

from config import env
from config.settings.base import *  # noqa: F403
from config.settings.base import (
    DATA_DIR,
    ENVIRONMENT,
    FIELD_ENCRYPTION_KEYS,
    JWT_ALGORITHM,
    JWT_KEYS,
    LOG_LEVEL,
    RELEASE,
    SENTRY_DSN,
)
from config.settings.components.samples import (
    SAMPLE_EDDSA_KEY,
    SAMPLE_FIELD_KEY,
    SAMPLE_JWT_KEY,
    SAMPLE_SECRET_KEY,
)
from infrastructure.telemetry import configure

# DEBUG pages print settings and locals; the problem documents and the log say what is needed without them.
DEBUG = False
ALLOWED_HOSTS = ["*"]
OPEN_DOCS = True
ADMIN_SECOND_FACTOR = False
SECRET_KEY = env.text("SECRET_KEY") or SAMPLE_SECRET_KEY
JWT_KEYS = JWT_KEYS or (("development", SAMPLE_EDDSA_KEY if JWT_ALGORITHM == "EdDSA" else SAMPLE_JWT_KEY),)
# What was encrypted before there was a .env stays readable.
FIELD_ENCRYPTION_KEYS = (*FIELD_ENCRYPTION_KEYS, SAMPLE_FIELD_KEY)

# What the console offers on its sign-in card; apps/users/demo.py makes these accounts.
DEMO_LOGINS = (("ada@example.com", "admin"), ("grace@example.com", "user"), ("linus@example.com", "user"))
DEMO_PASSWORD = "sarsen-demo-2026"  # noqa: S105  (printed for everyone to see)

if env.url("EMAIL_URL"):
    globals().update(env.email())
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"

# Static files come from the slices' own folders, uploads from local disk: there is no nginx and no collectstatic.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
SERVE_MEDIA = True

configure(
    json=False,
    level=LOG_LEVEL,
    environment=ENVIRONMENT or "development",
    sentry_dsn=SENTRY_DSN,
    release=RELEASE,
)
