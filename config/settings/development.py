"""A developer's machine: `make run`. Sample secrets, mail into a folder, readable log."""

from socket import gethostname
from urllib.parse import urlsplit

from django.http.request import split_domain_port

from config import env
from config.settings.base import *  # noqa: F403
from config.settings.base import (
    ALLOWED_HOSTS,
    COMMIT,
    DATA_DIR,
    DEBUG_PAGES,
    ENVIRONMENT,
    INSTALLED_APPS,
    LOG_LEVEL,
    MAIL_SERVER,
    MIDDLEWARE,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_TRACES_PERCENT,
    PUBLIC_URL,
    RELEASE,
    SECRET_KEY,
    SENTRY_DSN,
    SENTRY_TRACES_PERCENT,
    TEMPLATES,
)
from infrastructure.environment.secrets import SAMPLE_SECRET_KEY
from infrastructure.telemetry import configure

globals().update(env.overrides("DEVELOPMENT"))

# Debug pages print settings and locals; the problem documents and the log say what is needed without them. DEBUG=true
# in the environment or .env turns them on, with the toolbar on pages that this machine's browser opens.
DEBUG = DEBUG_PAGES
if DEBUG:
    INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
    behind = MIDDLEWARE.index("apps.common.http.middleware.pages.PagesMiddleware") + 1
    MIDDLEWARE = [
        *MIDDLEWARE[:behind],
        "debug_toolbar.middleware.DebugToolbarMiddleware",
        *MIDDLEWARE[behind:],
    ]
    INTERNAL_IPS = ["127.0.0.1", "::1"]
# This machine by its names, and what PUBLIC_URL and ALLOWED_HOSTS name. Any other name could be an attacker's that points
# here (DNS rebinding); links in answers would repeat it.
ALLOWED_HOSTS = [
    "localhost",
    ".localhost",
    "127.0.0.1",
    "[::1]",
    gethostname().lower(),
    split_domain_port(urlsplit(PUBLIC_URL).netloc)[0],
    *ALLOWED_HOSTS,
]
OPEN_DOCS = True
SECRET_KEY = SECRET_KEY or SAMPLE_SECRET_KEY

# Demo accounts that a page may offer for sign-in.
DEMO_LOGINS = (("ada@example.com", "admin"), ("grace@example.com", "user"), ("linus@example.com", "user"))
DEMO_PASSWORD = "demo-password-2026"  # noqa: S105  (printed for everyone to see)

globals().update(
    MAIL_SERVER
    or {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": DATA_DIR / "mail",
    }
)

# Static files come from the slices' own folders, uploads from local disk: there is no nginx and no collectstatic.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
# Changed templates and static files are served with the next request: they are read, and revalidated by browsers, each time.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_MAX_AGE = 0
TEMPLATES = [
    {
        **TEMPLATES[0],
        "APP_DIRS": False,
        "OPTIONS": {
            **TEMPLATES[0]["OPTIONS"],
            "loaders": [
                "django.template.loaders.filesystem.Loader",
                "django.template.loaders.app_directories.Loader",
            ],
        },
    }
]
SERVE_MEDIA = True

configure(
    json=False,
    level=LOG_LEVEL,
    environment=ENVIRONMENT or "development",
    sentry_dsn=SENTRY_DSN,
    release=RELEASE,
    commit=COMMIT,
    sentry_traces=SENTRY_TRACES_PERCENT / 100,
    otlp_endpoint=OTEL_EXPORTER_OTLP_ENDPOINT,
    traces=OTEL_TRACES_PERCENT / 100,
)
