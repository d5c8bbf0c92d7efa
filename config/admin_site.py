"""Which class Django's admin site is of."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class SiteConfig(AdminConfig):
    """`django.contrib.admin` with the project's own site."""

    default_site = "apps.users.admin_site.Site"
