"""Rooms, members and messages in Django's admin. Messages are read there; what was said is changed by its sender."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.chat.models import Membership, Message, Room


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    """The members of a room."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)
    fields = ("user", "role", "read_seq")
    readonly_fields = ("read_seq",)


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Rooms with their members."""

    list_display = ("slug", "name", "is_private", "head", "created_at")
    list_filter = ("is_private",)
    search_fields = ("slug", "name")
    readonly_fields = ("head", "created_at", "updated_at")
    inlines = (MembershipInline,)


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Messages, to look at."""

    list_display = ("room", "seq", "sender", "created_at", "edited_at", "deleted_at")
    list_select_related = ("room", "sender")
    search_fields = ("=room__slug", "=sender__email")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Numbers are given by the service."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody's words are changed by others."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A number that is gone would be a gap."""
        return False
