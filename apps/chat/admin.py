"""Rooms, members and messages in Django's admin. Messages are read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest

from apps.chat import services
from apps.chat.exceptions import LastOwner
from apps.chat.models import Attachment, Ban, Invitation, Membership, Message, Role, Room
from apps.common.admin import ReadOnlyAdmin

if TYPE_CHECKING:  # generic for mypy only
    _FormSet = BaseInlineFormSet[Membership, Room, ModelForm[Membership]]
else:
    _FormSet = BaseInlineFormSet


class MembershipFormSet(_FormSet):
    """Requires an owner."""

    def clean(self) -> None:
        super().clean()
        kept = [
            form.cleaned_data
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]
        if not any(self.errors) and not any(data["role"] == Role.OWNER for data in kept):
            raise ValidationError(LastOwner.detail, code=LastOwner.code)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = Membership
    formset = MembershipFormSet
    extra = 0
    autocomplete_fields = ("user",)
    fields = ("user", "role", "muted_until", "read_seq")
    readonly_fields = ("read_seq",)


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    list_display = ("slug", "name", "is_private", "language", "head", "created_at")
    list_filter = ("is_private", "language")
    search_fields = ("slug", "name")
    readonly_fields = ("head", "created_at", "updated_at")
    inlines = (MembershipInline,)

    def delete_model(self, request: HttpRequest, obj: Room) -> None:
        services.force_delete_room(room_id=obj.pk, actor_id=request.user.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Room]) -> None:
        for room in queryset:
            self.delete_model(request, room)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("room", "seq", "sender", "created_at", "edited_at", "deleted_at")
    list_select_related = ("room", "sender")
    search_fields = ("=room__slug", "=sender__email")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: message numbers have no gaps."""
        return False


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    list_display = ("name", "type", "size", "room", "uploader", "created_at", "discarded_at")
    list_filter = ("type",)
    list_select_related = ("room", "uploader")
    search_fields = ("=room__slug", "=uploader__email")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: the file would remain in the storage."""
        return False


@admin.register(Ban)
class BanAdmin(ReadOnlyAdmin):
    list_display = ("room", "user", "created_at")
    list_select_related = ("room", "user")
    search_fields = ("=room__slug", "=user__email")
    show_full_result_count = False


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("room", "invited_by", "created_at", "expires_at")
    list_select_related = ("room", "invited_by")
    search_fields = ("=room__slug", "=invited_by__email")
    show_full_result_count = False
