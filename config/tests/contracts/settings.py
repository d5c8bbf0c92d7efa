"""The suite's settings for a separate server: pooled connections, and discarded mails."""

from config.settings.components.database import connection
from config.settings.test import *  # noqa: F403

DATABASES = {"default": connection(pooled=True)}
# The same zones, with limits above hundreds of calls without a credential.
ZONES = "config.tests.contracts.zones.ZONES"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
