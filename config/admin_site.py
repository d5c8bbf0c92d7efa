"""Which class Django's admin site is of, and the checks of the configuration."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.core import checks

from config import env


class SiteConfig(AdminConfig):
    """`django.contrib.admin` with the site that the settings name."""

    default_site = settings.ADMIN_SITE

    def ready(self) -> None:
        """Have `manage.py check` look at the names of variables."""
        super().ready()
        checks.register(env.check_names)
