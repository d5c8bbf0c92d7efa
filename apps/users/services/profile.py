"""Changes of the own account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common import audit, data_export, events
from apps.common.callers import Caller
from apps.users import exceptions, limits
from apps.users.events import AvatarDiscarded
from apps.users.models import User
from apps.users.services import names
from apps.users.types import AuditAction, Device, ProfileChanges
from infrastructure import storage


def update_profile(*, actor: Caller, changes: ProfileChanges, now: datetime | None = None) -> User:
    """Apply `changes` to the actor's account. Raises as `names.clean_name` does."""
    user: User = actor.user
    if "name" in changes:
        changes["name"] = names.clean_name(changes["name"], before=user.name)
    for field, value in changes.items():
        setattr(user, field, value)
    if changes:
        user.updated_at = now or timezone.now()
        indexes = ["phone_index"] if "phone" in changes else []
        user.save(update_fields=[*changes, *indexes, "updated_at"])
    return user


def set_avatar(*, actor: Caller, file: IO[bytes]) -> User:
    """Store an uploaded image, re-encoded from its pixels. Raises AvatarRefused, StorageUnavailable."""
    try:
        name = storage.save_avatar(file, size=settings.AVATAR_SIZE, max_pixels=settings.AVATAR_MAX_PIXELS)
    except storage.ImageRefused as error:
        raise exceptions.AvatarRefused(str(error)) from error
    try:
        _replace_avatar(user=actor.user, name=name)
    except BaseException:
        storage.delete(name)
        raise
    return actor.user  # type: ignore[no-any-return]  # callers know no slice


def remove_avatar(*, actor: Caller) -> None:
    _replace_avatar(user=actor.user, name="")


def export_data(*, actor: Caller, device: Device) -> Iterator[bytes]:
    """The actor's personal data of all slices, as one JSON object in pieces. Raises TooManyAttempts."""
    limits.count_attempt("export", address=device.address, account=actor.user.email)
    with transaction.atomic():
        audit.record(
            action=AuditAction.EXPORTED,
            actor_id=actor.user.pk,
            target="user",
            target_id=actor.user.pk,
        )
    return data_export.stream(actor.user.pk)


def _replace_avatar(*, user: User, name: str) -> None:
    with transaction.atomic():
        before = User.objects.select_for_update(no_key=True).values_list("avatar", flat=True).get(pk=user.pk)
        user.avatar = name
        user.save(update_fields=["avatar", "updated_at"])
        if before:
            events.publish(AvatarDiscarded(file=before))
