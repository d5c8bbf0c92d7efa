"""What becomes of someone's rooms when their account is erased."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from apps.chat import selectors
from apps.chat.models import Ban, Invitation, Membership, Mute, Role, Room
from infrastructure import realtime

_log = structlog.get_logger(__name__)


def forget_user(*, user_id: UUID) -> int:
    """End all memberships and invitations of a person; how many of the former. Done again, it finds nothing to do.

    A room without an owner goes to its longest-serving moderator, else member; one without members is deleted.
    Messages stay, under the name that the erased account has now.
    """
    with transaction.atomic():
        mine = Membership.objects.filter(user_id=user_id)
        room_ids = sorted(mine.values_list("room_id", flat=True))
        # In the order of keys, so that two departures cannot wait for each other.
        rooms = list(Room.objects.select_for_update(no_key=True).filter(pk__in=room_ids).order_by("pk"))
        mine.delete()
        Invitation.objects.filter(Q(user_id=user_id) | Q(invited_by_id=user_id)).delete()
        Mute.objects.filter(user_id=user_id).delete()
        Ban.objects.filter(user_id=user_id).delete()
        for room in selectors.list_rooms_without_owner(among=[room.pk for room in rooms]):
            _find_owner(room)
        for room_id in room_ids:
            _tell(room_id, user_id)
    return len(room_ids)


def _find_owner(room: Room) -> None:
    members = list(selectors.list_members(room_id=room.pk))
    heir = next((one for one in members if one.role == Role.MODERATOR), members[0] if members else None)
    if heir is None:
        room_id = room.pk
        room.delete()
        _log.info("chat.room_abandoned", room=str(room_id))
        return
    heir.role = Role.OWNER
    heir.save(update_fields=["role", "updated_at"])
    _log.info("chat.room_inherited", room=str(room.pk), user=str(heir.user_id))


def _tell(room_id: UUID, user_id: UUID) -> None:
    realtime.push_to_room(room_id, {"type": "membership.ended", "user": str(user_id)})
