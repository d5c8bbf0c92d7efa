"""Moderation of members: removing, banning and muting, each recorded in the audit log.

Deleting messages is in `messages`, permissions are in `policies`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.chat import policies, selectors
from apps.chat.exceptions import BanNotFound, InvalidMute, MemberNotFound, RoomRoleTooLow
from apps.chat.models import Ban, Invitation, Membership, Role
from apps.chat.selectors import Standing, room_events
from apps.chat.services import invitations, members, rooms
from apps.chat.types import AuditAction
from apps.common.exceptions import NotFound
from apps.users import selectors as users
from infrastructure import realtime

LONGEST_MUTE: Final = timedelta(days=365)


def remove_member(*, actor_id: UUID, slug: str, user_id: UUID) -> None:
    """Remove a member, or leave. Raises RoomNotFound, NotAMember, MemberNotFound, RoomRoleTooLow, LastOwner."""
    if actor_id == user_id:
        members.leave_room(actor_id=user_id, slug=slug)
        return
    with transaction.atomic():
        actor = _moderator(actor_id, slug)
        target = _target(actor, user_id)
        members.end(target)
        _record(actor, AuditAction.MEMBER_REMOVED, user_id, role=target.role)


def ban_member(*, actor_id: UUID, slug: str, user_id: UUID) -> tuple[Ban, bool]:
    """Ban a user, a member or not, and delete their invitations. Returns the ban and whether it is new.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow, MemberNotFound for an unknown user.
    """
    with transaction.atomic():
        actor = _moderator(actor_id, slug)
        target = Membership.objects.filter(room_id=actor.room.pk, user_id=user_id).first()
        try:
            user = users.get_user(user_id=user_id)
        except NotFound:
            raise MemberNotFound from None
        _require_power(actor, user_id, None if target is None else Role(target.role))
        ban, is_new = Ban.objects.get_or_create(room_id=actor.room.pk, user_id=user.pk)
        ban.user = user
        if target is not None:
            members.end(target)
        invitations.discard(Invitation.objects.filter(room_id=actor.room.pk, user_id=user_id))
        if is_new:
            _record(actor, AuditAction.MEMBER_BANNED, user_id)
    return ban, is_new


def lift_ban(*, actor_id: UUID, slug: str, user_id: UUID) -> None:
    """Delete a ban. Raises RoomNotFound, NotAMember, RoomRoleTooLow, BanNotFound."""
    with transaction.atomic():
        actor = _moderator(actor_id, slug)
        if not Ban.objects.filter(room_id=actor.room.pk, user_id=user_id).delete()[0]:
            raise BanNotFound
        _record(actor, AuditAction.MEMBER_UNBANNED, user_id)


def mute_member(
    *, actor_id: UUID, slug: str, user_id: UUID, until: datetime, now: datetime | None = None
) -> Membership:
    """Let a member read but not post until a time.

    Raises RoomNotFound, NotAMember, MemberNotFound, RoomRoleTooLow, InvalidMute.
    """
    now = now or timezone.now()
    if not now < until <= now + LONGEST_MUTE:
        raise InvalidMute
    return _set_mute(actor_id, slug, user_id, until)


def unmute_member(*, actor_id: UUID, slug: str, user_id: UUID) -> Membership:
    """End a mute. Raises RoomNotFound, NotAMember, MemberNotFound, RoomRoleTooLow."""
    return _set_mute(actor_id, slug, user_id, None)


def _set_mute(actor_id: UUID, slug: str, user_id: UUID, until: datetime | None) -> Membership:
    with transaction.atomic():
        actor = _moderator(actor_id, slug)
        target = _target(actor, user_id)
        target.muted_until = until
        target.save(update_fields=["muted_until", "updated_at"])
        if until is None:
            _record(actor, AuditAction.MEMBER_UNMUTED, user_id)
        else:
            _record(actor, AuditAction.MEMBER_MUTED, user_id, until=until.isoformat())
        realtime.push_to_room(actor.room.pk, room_events.member(target))
    return target


def _moderator(actor_id: UUID, slug: str) -> Standing:
    """Returns the actor, with the room locked. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    actor = selectors.get_moderator(user_id=actor_id, slug=slug)
    rooms.lock(actor.room.pk)
    return actor


def _target(actor: Standing, user_id: UUID) -> Membership:
    """Returns a member whom the actor may moderate. Raises MemberNotFound, RoomRoleTooLow."""
    target = selectors.get_member(room_id=actor.room.pk, user_id=user_id)
    _require_power(actor, user_id, Role(target.role))
    return target


def _require_power(actor: Standing, user_id: UUID, role: Role | None) -> None:
    against = selectors.get_rank_against(actor=actor, user_id=user_id, role=role)
    if not policies.may_moderate(actor.rank, target=against):
        raise RoomRoleTooLow


def _record(actor: Standing, action: AuditAction, user_id: UUID, **details: str) -> None:
    rooms.record(action, actor.user_id, actor.room.pk, user_id=user_id, **details)
