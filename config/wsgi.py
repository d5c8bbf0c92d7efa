"""HTTP entry point: gunicorn serves this in production; `make run` reaches it through the ASGI bridge."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = get_wsgi_application()
