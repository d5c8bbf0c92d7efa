"""Service keys in the admin site: made (the plain key is shown once), looked at, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from apps.api import services
from apps.api.models import ServiceKey

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[ServiceKey]
else:  # generic for the type checker only
    _Base = admin.ModelAdmin


@admin.register(ServiceKey)
class ServiceKeyAdmin(_Base):
    """Keys cannot be edited or deleted: what a key was stays on record."""

    list_display = ("name", "prefix", "scopes", "state", "last_used_at", "expires_at", "revoked_at")
    search_fields = ("name", "prefix")
    fields = ("name", "scopes", "expires_at")
    actions = ("revoke",)

    @admin.display(description="state")
    def state(self, key: ServiceKey) -> str:
        """Live, revoked or expired."""
        return key.state(timezone.now())

    def has_change_permission(self, request: HttpRequest, obj: ServiceKey | None = None) -> bool:
        """The list is open to who may change keys; a single key is read only."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ServiceKey | None = None) -> bool:
        """Never: revoke instead."""
        return False

    def save_model(
        self, request: HttpRequest, obj: ServiceKey, form: ModelForm[ServiceKey], change: Any
    ) -> None:
        """Make the key through the service, and show it once."""
        made = services.create_key(name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        obj.pk, obj.prefix, obj.digest = made.key.pk, made.key.prefix, made.key.digest
        # The form's own row is not written: the service has written it.
        obj._state.adding = False  # noqa: SLF001
        messages.warning(request, f"The key of {made.key.name}, shown only now: {made.plain}")

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ServiceKey]) -> None:
        """End them at once."""
        now = timezone.now()
        live = [key for key in queryset if key.state(now) == "live"]
        for key in live:
            services.revoke_key(prefix=key.prefix, now=now)
        messages.success(request, f"{len(live)} revoked.")
