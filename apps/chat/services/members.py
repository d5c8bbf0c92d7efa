"""Joining and leaving rooms, roles, and read marks. Moderation is in `moderation`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone

from apps.chat import policies, selectors
from apps.chat.events import MemberAdded
from apps.chat.exceptions import Banned, LastOwner, MemberBanned, MemberNotFound, RoomRoleTooLow
from apps.chat.models import Membership, Mute, Role, Room
from apps.chat.selectors import room_events
from apps.chat.services import notifications, rooms
from apps.chat.types import AuditAction
from apps.common import events
from apps.common.exceptions import NotFound
from apps.users import selectors as users
from infrastructure import realtime

_log = structlog.get_logger(__name__)


def join_room(*, actor_id: UUID, slug: str) -> Membership:
    """Join a public room. Idempotent. Raises RoomNotFound, also for a private room, and Banned."""
    room = selectors.get_room_visible_to(user_id=actor_id, slug=slug)
    return enter(room=room, user_id=actor_id)[0]


def enter(*, room: Room, user_id: UUID, role: Role = Role.MEMBER) -> tuple[Membership, bool]:
    """Make a user a member with no unread messages. Returns the membership and whether it is new.

    Checks no permission but bans. Raises RoomNotFound, Banned.
    """
    waiting = Mute.objects.filter(room_id=room.pk, user_id=user_id)
    with transaction.atomic():
        room = rooms.lock(room.pk)  # otherwise a ban could be added after the check
        if selectors.is_banned(room_id=room.pk, user_id=user_id):
            raise Banned
        membership, is_new = Membership.objects.get_or_create(
            room_id=room.pk,
            user_id=user_id,
            defaults={
                "read_seq": room.head,
                "role": role,
                "muted_until": waiting.values_list("until", flat=True).first(),
            },
        )
        if is_new:
            waiting.delete()
            _log.info("chat.member_joined", room=str(room.pk), user=str(user_id))
    return membership, is_new


def leave_room(*, actor_id: UUID, slug: str) -> None:
    """Leave a room. Raises RoomNotFound, NotAMember, LastOwner."""
    with transaction.atomic():
        membership = rooms.lock_membership(actor_id, slug)
        if selectors.is_last_owner(membership=membership):
            raise LastOwner
        end(membership)
    _log.info("chat.member_left", room=str(membership.room_id), user=str(actor_id))


def add_member(
    *, actor_id: UUID, slug: str, user_id: UUID, role: Role = Role.MEMBER
) -> tuple[Membership, bool]:
    """Add a member, or change the role of one. Returns the membership and whether it is new.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow, MemberNotFound for an unknown user, MemberBanned, LastOwner,
    TooManyRooms.
    """
    with transaction.atomic():
        actor = rooms.lock_membership(actor_id, slug)
        if not policies.may_add_member(Role(actor.role), as_role=role):
            raise RoomRoleTooLow
        if Membership.objects.filter(room_id=actor.room_id, user_id=user_id).exists():
            return _change_role(actor, user_id, role), False
        try:
            user = users.get_user(user_id=user_id)
        except NotFound:
            raise MemberNotFound from None
        if not user.is_active:
            raise MemberNotFound
        if role is Role.OWNER and not actor.room.is_private:
            rooms.require_quota([user_id])
        try:
            membership, _ = enter(room=actor.room, user_id=user_id, role=role)
        except Banned:
            raise MemberBanned from None
        rooms.record(AuditAction.MEMBER_ADDED, actor_id, actor.room_id, user_id=user_id, role=role)
        events.publish(MemberAdded(room_id=actor.room_id, user_id=user_id, actor_id=actor_id))
        return membership, True


def change_role(*, actor_id: UUID, slug: str, user_id: UUID, role: Role) -> Membership:
    """Change the role of a member.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow, MemberNotFound, LastOwner, TooManyRooms.
    """
    with transaction.atomic():
        actor = rooms.lock_membership(actor_id, slug)
        return _change_role(actor, user_id, role)


def _change_role(actor: Membership, user_id: UUID, role: Role) -> Membership:
    membership = selectors.get_member(room_id=actor.room_id, user_id=user_id)
    before = Role(membership.role)
    if before is role:
        if Role(actor.role) is Role.MEMBER:
            raise RoomRoleTooLow
        return membership
    if not policies.may_change_role(
        Role(actor.role), current=before, to=role, is_own=user_id == actor.user_id
    ):
        raise RoomRoleTooLow
    if role is not Role.OWNER and selectors.is_last_owner(membership=membership):
        raise LastOwner
    if role is Role.OWNER and not actor.room.is_private:
        rooms.require_quota([user_id])
    _set_role(membership, role, actor_id=actor.user_id)
    return membership


def _set_role(membership: Membership, role: Role, *, actor_id: UUID | None) -> None:
    roles = {"from": membership.role, "to": role}
    membership.role = role
    membership.save(update_fields=["role", "updated_at"])
    rooms.record(AuditAction.ROLE_CHANGED, actor_id, membership.room_id, user_id=membership.user_id, **roles)
    realtime.push_to_room(membership.room_id, room_events.member(membership))


def read_up_to(*, actor_id: UUID, slug: str, seq: int) -> None:
    """Move the actor's read mark to a number and send it to the room. Raises RoomNotFound, NotAMember."""
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    if min(seq, membership.room.head) > membership.read_seq:
        with transaction.atomic():
            for (room_id, user_id), moved in record_reads(
                reads={(membership.room_id, actor_id): seq}
            ).items():
                realtime.push_to_room(room_id, room_events.read(user_id=user_id, seq=moved))


def record_reads(*, reads: Mapping[tuple[UUID, UUID], int]) -> dict[tuple[UUID, UUID], int]:
    """Store read marks by (room id, user id) in one statement. Marks only move forward, and never beyond the head.

    Returns the marks that moved.
    """
    rows = sorted(reads.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chat_membership m SET read_seq = LEAST(r.seq, room.head)"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS r (room_id, user_id, seq)"
            " JOIN chat_room room ON room.id = r.room_id"
            " WHERE m.room_id = r.room_id AND m.user_id = r.user_id AND m.read_seq < LEAST(r.seq, room.head)"
            " RETURNING m.room_id, m.user_id, m.read_seq",
            [[room for (room, _), _ in rows], [user for (_, user), _ in rows], [seq for _, seq in rows]],
        )
        return {(room_id, user_id): seq for room_id, user_id, seq in cursor.fetchall()}


def end(membership: Membership) -> None:
    """End a membership of a locked room and close its sockets. A mute is kept for a return."""
    if membership.muted_until is not None and membership.muted_until > timezone.now():
        Mute.objects.update_or_create(
            room_id=membership.room_id,
            user_id=membership.user_id,
            defaults={"until": membership.muted_until},
        )
    membership.delete()
    notifications.retract_room(room_id=membership.room_id, user_id=membership.user_id)
    realtime.push_to_room(membership.room_id, {"type": "membership.ended", "user": str(membership.user_id)})
    if membership.role == Role.OWNER:
        keep_owned([membership.room_id])


def keep_owned(room_ids: Collection[UUID]) -> None:
    """Make the longest-serving moderator, else member, owner of each of these locked rooms that has no owner.

    A room without members is deleted.
    """
    for room in selectors.list_rooms_without_owner(among=room_ids):
        members = list(selectors.list_members(room_id=room.pk))
        heir = next((one for one in members if one.role == Role.MODERATOR), members[0] if members else None)
        if heir is None:
            rooms.force_delete_room(room_id=room.pk, actor_id=None)
            continue
        _set_role(heir, Role.OWNER, actor_id=None)
