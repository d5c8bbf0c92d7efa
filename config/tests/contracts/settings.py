"""The suite's settings for a server of its own: pooled connections, and mails that nobody keeps."""

from config.settings.components.database import connection
from config.settings.test import *  # noqa: F403

DATABASES = {"default": connection(pooled=True)}
# The same zones; calls without a credential are made by the hundred as well.
ZONES = "config.tests.contracts.zones.ZONES"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
