"""Installed apps, middleware, templates."""

from __future__ import annotations

from typing import Any

from apps.common import slices
from infrastructure import product

# The name in mails and on the admin site. No account may have it.
PRODUCT_NAME = product.PRODUCT.name
INSTALLED_APPS = [
    "config.admin_site.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "django_celery_beat",
    "storages",
    *(slice_.package for slice_ in slices.on_disk()),
]

MIDDLEWARE = [
    "apps.common.http.middleware.request_context.RequestContextMiddleware",
    "apps.common.http.middleware.security_headers.SecurityHeadersMiddleware",
    # Outside of every layer that refuses: browsers read a refusal, too, only with these headers.
    "corsheaders.middleware.CorsMiddleware",
    "apps.common.http.middleware.last_resort.LastResortMiddleware",
    "apps.common.http.middleware.address.AddressMiddleware",
    # Serves /static/ where there is no nginx.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.common.http.middleware.body_limits.BodyLimitMiddleware",
    # The layers between these two are for pages only; API calls skip them.
    "apps.common.http.middleware.pages.PagesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.common.http.middleware.pages.BehindPagesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "infrastructure.product.context",
            ]
        },
    }
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
# The API answers an unknown path with a problem document, not with a redirect that drops the body.
APPEND_SLASH = False

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
