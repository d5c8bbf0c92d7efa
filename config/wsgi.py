"""HTTP entry point: gunicorn serves this in production; `make run` reaches it through the ASGI bridge."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from infrastructure import lazy_import

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = get_wsgi_application()
# Servers run no system checks, and Django loads URLs at the first request: a wrong zone table must stop the start.
get_resolver().url_patterns  # noqa: B018
# Import now what the first request would wait for.
lazy_import.load()
