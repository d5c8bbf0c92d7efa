"""Inboxes and notifications in Django's admin, read-only but for preferences."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.common.admin import ReadOnlyAdmin
from apps.notifications.models import Inbox, Notification


@admin.register(Inbox)
class InboxAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    list_display = ("user", "head", "digest", "digested_for")
    list_filter = ("digest",)
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    readonly_fields = ("head", "digested_for", "digested_seq")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: the first notification creates the inbox."""
        return False


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Without title and body, which may quote private rooms."""

    list_display = ("user", "seq", "kind", "created_at", "read_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    fields = ("user", "seq", "kind", "created_at", "read_at")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: numbers have no gaps."""
        return False
