"""Which class Django's admin site is of."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin.apps import AdminConfig


class SiteConfig(AdminConfig):
    """`django.contrib.admin` with the site that the settings name."""

    default_site = settings.ADMIN_SITE
