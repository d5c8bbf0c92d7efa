"""The class of Django's admin site, and the checks of the configuration."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.core import checks

from config import env


class SiteConfig(AdminConfig):
    """`django.contrib.admin` with the site of the settings."""

    default_site = settings.ADMIN_SITE

    def ready(self) -> None:
        """Register the check of variable names."""
        super().ready()
        checks.register(env.check_names)
