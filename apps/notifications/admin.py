"""Inboxes and notifications in Django's admin, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.notifications.models import Inbox, Notification


@admin.register(Inbox)
class InboxAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """People's preferences."""

    list_display = ("user", "head", "digest", "digested_for")
    list_filter = ("digest",)
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    readonly_fields = ("head", "digested_for", "digested_seq")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The first notification makes one."""
        return False


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """What people were told. Its words may be those of private rooms: they are not shown."""

    list_display = ("user", "seq", "kind", "created_at", "read_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    fields = ("user", "seq", "kind", "created_at", "read_at")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Numbers are given by the service."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was told was told."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A number that is gone would be a gap."""
        return False
