"""Erasure of an account from rooms."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.chat.models import Ban, Invitation, Membership, Mute, Room
from apps.chat.services import invitations, members, messages
from infrastructure import realtime


def forget_user(*, user_id: UUID, with_content: bool = False) -> int:
    """Delete an erased account's memberships, invitations, mutes and bans. Idempotent.

    Messages are kept under the new name of the account, unless `with_content` deletes them with their files.
    Returns the number of memberships ended.
    """
    if with_content:
        messages.delete_messages_of(user_id=user_id)
    with transaction.atomic():
        mine = Membership.objects.filter(user_id=user_id)
        room_ids = sorted(mine.values_list("room_id", flat=True))
        # In the order of keys, so that two transactions never wait for each other.
        list(Room.objects.select_for_update(no_key=True).filter(pk__in=room_ids).order_by("pk"))
        mine.delete()
        invitations.discard(Invitation.objects.filter(Q(user_id=user_id) | Q(invited_by_id=user_id)))
        Mute.objects.filter(user_id=user_id).delete()
        Ban.objects.filter(user_id=user_id).delete()
        for room_id in room_ids:
            realtime.push_to_room(room_id, {"type": "membership.ended", "user": str(user_id)})
        members.keep_owned(room_ids)
    return len(room_ids)
