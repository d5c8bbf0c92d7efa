"""Coming into a room, leaving it, being put out of it, and how far one has read."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog
from django.db import connection, transaction

from apps.chat import policies, selectors
from apps.chat.exceptions import LastOwner, MemberNotFound, RoomNotFound, RoomRoleTooLow
from apps.chat.models import Membership, Role, Room
from apps.common.exceptions import NotFound
from apps.users import selectors as users
from infrastructure import realtime

_log = structlog.get_logger(__name__)


def join_room(*, user_id: UUID, slug: str) -> Membership:
    """Enter a public room; to be in already is fine. Raises RoomNotFound for a private one that one is not in."""
    room = selectors.get_room_visible_to(user_id=user_id, slug=slug)
    membership, is_new = Membership.objects.get_or_create(
        room_id=room.pk, user_id=user_id, defaults={"read_seq": room.head}
    )
    if is_new:
        _log.info("chat.member_joined", room=str(room.pk), user=str(user_id))
    return membership


def leave_room(*, user_id: UUID, slug: str) -> None:
    """Leave a room. Raises RoomNotFound, NotAMember, LastOwner."""
    with transaction.atomic():
        membership = _locked(selectors.get_membership(user_id=user_id, slug=slug))
        if selectors.is_last_owner(membership=membership):
            raise LastOwner
        _end(membership)
    _log.info("chat.member_left", room=str(membership.room_id), user=str(user_id))


def add_member(
    *, actor_id: UUID, slug: str, user_id: UUID, role: Role = Role.MEMBER
) -> tuple[Membership, bool]:
    """Bring someone in, or give a member another role; the flag tells whether they are new.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow, MemberNotFound for an unknown person, LastOwner.
    """
    with transaction.atomic():
        actor = _locked(selectors.get_membership(user_id=actor_id, slug=slug))
        if not policies.may_add_member(Role(actor.role), as_role=role):
            raise RoomRoleTooLow
        membership = Membership.objects.filter(room_id=actor.room_id, user_id=user_id).first()
        if membership is None:
            try:
                person = users.get_user(user_id=user_id)
            except NotFound:
                raise MemberNotFound from None
            if not person.is_active:
                raise MemberNotFound
            membership = Membership.objects.create(
                room_id=actor.room_id, user_id=user_id, role=role, read_seq=actor.room.head
            )
            _log.info(
                "chat.member_added",
                room=str(actor.room_id),
                user=str(user_id),
                actor=str(actor_id),
                role=role,
            )
            return membership, True
        if not policies.may_change_member(Role(actor.role), current=Role(membership.role), to=role):
            raise RoomRoleTooLow
        if role is not Role.OWNER and selectors.is_last_owner(membership=membership):
            raise LastOwner
        membership.role = role
        membership.save(update_fields=["role", "updated_at"])
        _log.info(
            "chat.member_role", room=str(actor.room_id), user=str(user_id), actor=str(actor_id), role=role
        )
        return membership, False


def remove_member(*, actor_id: UUID, slug: str, user_id: UUID) -> None:
    """Put someone out. Raises RoomNotFound, NotAMember, MemberNotFound, RoomRoleTooLow, LastOwner."""
    if actor_id == user_id:
        return leave_room(user_id=user_id, slug=slug)
    with transaction.atomic():
        actor = _locked(selectors.get_membership(user_id=actor_id, slug=slug))
        target = Membership.objects.filter(room_id=actor.room_id, user_id=user_id).first()
        if target is None:
            raise MemberNotFound
        if not policies.may_remove_member(Role(actor.role), target=Role(target.role)):
            raise RoomRoleTooLow
        _end(target)
    _log.info("chat.member_removed", room=str(actor.room_id), user=str(user_id), actor=str(actor_id))
    return None


def record_reads(*, reads: Mapping[tuple[UUID, UUID], int]) -> None:
    """How far people have read, many (room id, user id) at once. Marks only move forward, never beyond the head."""
    rows = sorted(reads.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chat_membership m SET read_seq = LEAST(r.seq, room.head)"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS r (room_id, user_id, seq)"
            " JOIN chat_room room ON room.id = r.room_id"
            " WHERE m.room_id = r.room_id AND m.user_id = r.user_id AND m.read_seq < LEAST(r.seq, room.head)",
            [[room for (room, _), _ in rows], [user for (_, user), _ in rows], [seq for _, seq in rows]],
        )


def _locked(membership: Membership) -> Membership:
    """The membership as it is once changes of the room's members by others are done. Raises RoomNotFound."""
    # One lock for all changes of membership: two owners who leave at once must not both be the second to last.
    room = Room.objects.select_for_update(no_key=True).filter(pk=membership.room_id).first()
    current = Membership.objects.filter(pk=membership.pk).first()
    if room is None or current is None:
        raise RoomNotFound
    current.room = room
    return current


def _end(membership: Membership) -> None:
    membership.delete()
    room_id, user_id = membership.room_id, membership.user_id
    transaction.on_commit(
        lambda: realtime.push_to_room(room_id, {"type": "membership.ended", "user": str(user_id)})
    )
