"""Service keys in the admin site: create (the plain key is shown once), view, rotate, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.api import services
from apps.api.models import EVERYTHING, ServiceKey

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[ServiceKey]
    _Form = forms.ModelForm[ServiceKey]
else:  # generic for the type checker only
    _Base, _Form = admin.ModelAdmin, forms.ModelForm

OVERLAP = timedelta(days=1)


def _routes() -> list[tuple[str, str]]:
    from apps.api.zones import mounting  # describes routes: more than every process needs at its start

    return [(EVERYTHING, "every route"), *((name, name) for name in mounting.key_scopes(mounting.mounted()))]


class NewKeyForm(_Form):
    """Scopes are chosen from a list."""

    scopes = forms.MultipleChoiceField(choices=_routes, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ServiceKey
        fields = ("name", "scopes", "expires_at")


@admin.register(ServiceKey)
class ServiceKeyAdmin(_Base):
    """Keys cannot be edited or deleted, so that their history is kept."""

    form = NewKeyForm
    list_display = ("name", "prefix", "scopes", "state", "last_used_at", "expires_at", "revoked_at")
    search_fields = ("name", "prefix")
    actions = ("rotate", "revoke")

    @admin.display(description="state")
    def state(self, key: ServiceKey) -> str:
        return key.state(timezone.now())

    def has_change_permission(self, request: HttpRequest, obj: ServiceKey | None = None) -> bool:
        """The list is open to those who may change keys; a single key is read only."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ServiceKey | None = None) -> bool:
        """Never: revoke instead."""
        return False

    def get_fields(self, request: HttpRequest, obj: ServiceKey | None = None) -> Any:
        """The inputs of a new key; of an existing one everything but its hash."""
        made = ("prefix", "last_used_at", "revoked_at", "created_at") if obj is not None else ()
        return ("name", "scopes", "expires_at", *made)

    def save_model(self, request: HttpRequest, obj: ServiceKey, form: Any, change: Any) -> None:
        """Create the key through the service, and show it once."""
        made = services.create_key(
            name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at, actor_id=_actor(request)
        )
        obj.pk, obj.prefix, obj.digest = made.key.pk, made.key.prefix, made.key.digest
        # The service has written the row; the form's own is discarded.
        obj._state.adding = False  # noqa: SLF001
        _show(request, made)

    @admin.action(description="Rotate the selected keys: new ones, and the old ones go on for a day")
    def rotate(self, request: HttpRequest, queryset: QuerySet[ServiceKey]) -> None:
        """Show the new keys once."""
        for key in _live(queryset):
            _show(
                request,
                services.rotate_key(prefix=key.prefix, overlap=OVERLAP, actor_id=_actor(request)),
            )

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ServiceKey]) -> None:
        live = _live(queryset)
        for key in live:
            services.revoke_key(prefix=key.prefix, actor_id=_actor(request))
        messages.success(request, f"{len(live)} revoked.")


def _live(queryset: QuerySet[ServiceKey]) -> list[ServiceKey]:
    now = timezone.now()
    return [key for key in queryset if key.state(now) == "live"]


def _actor(request: HttpRequest) -> Any:
    return request.user.pk


def _show(request: HttpRequest, made: services.NewKey) -> None:
    messages.warning(request, f"The key of {made.key.name}, shown only now: {made.plain}")
