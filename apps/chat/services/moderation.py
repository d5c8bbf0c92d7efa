"""Keeping order in a room: putting someone out, muting them for a time. Each is written into the audit log.

Deleting what others said is in `messages`; who may do all this is in `policies`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.chat import policies, selectors
from apps.chat.exceptions import InvalidMute, RoomRoleTooLow
from apps.chat.models import Membership, Role
from apps.chat.selectors import Standing
from apps.chat.services import members
from apps.chat.types import AuditAction
from apps.common import audit
from infrastructure import realtime

LONGEST_MUTE: Final = timedelta(days=365)


def remove_member(*, actor_id: UUID, slug: str, user_id: UUID) -> None:
    """Put someone out. Raises RoomNotFound, NotAMember, MemberNotFound, RoomRoleTooLow, LastOwner (for oneself)."""
    if actor_id == user_id:
        members.leave_room(user_id=user_id, slug=slug)
        return
    with transaction.atomic():
        actor = selectors.get_standing(user_id=actor_id, slug=slug)
        target = _target(actor, user_id)
        members.end(target)
        audit.record(
            action=AuditAction.MEMBER_REMOVED,
            actor_id=actor_id,
            target="user",
            target_id=user_id,
            details={"room": str(actor.room.pk), "role": target.role},
        )


def mute_member(
    *, actor_id: UUID, slug: str, user_id: UUID, until: datetime, now: datetime | None = None
) -> Membership:
    """Let someone read and not speak until then. Raises RoomNotFound, NotAMember, MemberNotFound, RoomRoleTooLow,
    InvalidMute."""
    now = now or timezone.now()
    if not now < until <= now + LONGEST_MUTE:
        raise InvalidMute
    return _set_mute(actor_id, slug, user_id, until)


def unmute_member(*, actor_id: UUID, slug: str, user_id: UUID) -> Membership:
    """Let someone speak again. Raises RoomNotFound, NotAMember, MemberNotFound, RoomRoleTooLow."""
    return _set_mute(actor_id, slug, user_id, None)


def _set_mute(actor_id: UUID, slug: str, user_id: UUID, until: datetime | None) -> Membership:
    with transaction.atomic():
        actor = selectors.get_standing(user_id=actor_id, slug=slug)
        target = _target(actor, user_id)
        target.muted_until = until
        target.save(update_fields=["muted_until", "updated_at"])
        details: dict[str, Any] = {"room": str(actor.room.pk)}
        if until is not None:
            details["until"] = until.isoformat()
        audit.record(
            action=AuditAction.MEMBER_UNMUTED if until is None else AuditAction.MEMBER_MUTED,
            actor_id=actor_id,
            target="user",
            target_id=user_id,
            details=details,
        )
        realtime.push_to_room(actor.room.pk, members.changed(target))
    return target


def _target(actor: Standing, user_id: UUID) -> Membership:
    """The member whom the actor may moderate, as they are once other changes are done. Raises as the callers say."""
    if actor.rank < policies.Rank.MODERATOR:
        raise RoomRoleTooLow
    members.lock(actor.room.pk)
    target = selectors.get_member(room_id=actor.room.pk, user_id=user_id)
    against = selectors.get_rank_against(actor=actor, user_id=user_id, role=Role(target.role))
    if not policies.may_moderate(actor.rank, target=against):
        raise RoomRoleTooLow
    return target
