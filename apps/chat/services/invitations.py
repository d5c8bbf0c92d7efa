"""Invitations into rooms. An invited address is not looked up: a user who verifies it finds the invitation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.chat import limits, selectors
from apps.chat.events import PersonInvited
from apps.chat.exceptions import InvitationNotFound, RoomNotFound, TooManyInvitations
from apps.chat.models import Invitation, Membership, Mute
from apps.chat.services import members, notifications, rooms
from apps.chat.types import AuditAction
from apps.common import events
from apps.users import selectors as users

LASTS: Final = timedelta(days=14)
# Open invitations of one room, each of which may send an unsolicited mail.
MAX_OPEN: Final = 100
_BATCH: Final = 500


def invite(
    *,
    actor_id: UUID,
    slug: str,
    email: str | None = None,
    user_id: UUID | None = None,
    now: datetime | None = None,
) -> Invitation:
    """Invite a user by address or id, or extend an open invitation by LASTS. Unknown users are treated alike.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow, TooOften, TooManyInvitations, InvalidEmail.
    """
    now = now or timezone.now()
    membership = selectors.get_inviter(user_id=actor_id, slug=slug)
    limits.count("invitations", actor_id)
    invitee: dict[str, Any] = {
        "user_id": user_id,
        "email": "" if email is None else users.mailable_email(email),
    }
    with transaction.atomic():
        rooms.lock(membership.room_id)
        if Invitation.objects.filter(room_id=membership.room_id, expires_at__gt=now).count() >= MAX_OPEN:
            raise TooManyInvitations
        invitation, is_new = Invitation.objects.update_or_create(
            room_id=membership.room_id,
            **invitee,
            defaults={"expires_at": now + LASTS},
            create_defaults={"expires_at": now + LASTS, "invited_by_id": actor_id, "created_at": now},
        )
        if is_new:
            rooms.record(AuditAction.INVITED, actor_id, membership.room_id, invitation=str(invitation.pk))
            events.publish(PersonInvited(invitation_id=invitation.pk))
    return invitation


def withdraw_invitation(*, actor_id: UUID, slug: str, invitation_id: UUID) -> None:
    """Delete an invitation of the room. Raises RoomNotFound, NotAMember, RoomRoleTooLow, InvitationNotFound."""
    membership = selectors.get_inviter(user_id=actor_id, slug=slug)
    with transaction.atomic():
        if not discard(Invitation.objects.filter(pk=invitation_id, room_id=membership.room_id)):
            raise InvitationNotFound
        rooms.record(
            AuditAction.INVITATION_WITHDRAWN, actor_id, membership.room_id, invitation=str(invitation_id)
        )


def accept_invitation(*, actor_id: UUID, invitation_id: UUID, now: datetime | None = None) -> Membership:
    """Make the actor a member, and delete their invitations to the room. Raises InvitationNotFound, Banned."""
    mine = selectors.list_invitations_for(user_id=actor_id, now=now or timezone.now())
    with transaction.atomic():
        room_id = mine.filter(pk=invitation_id).values_list("room_id", flat=True).first()
        if room_id is None:
            raise InvitationNotFound
        # The room is locked before its rows, as everywhere: the inviter may be losing their role.
        try:
            rooms.lock(room_id)
        except RoomNotFound:
            raise InvitationNotFound from None
        invitation = mine.filter(pk=invitation_id).select_for_update(of=("self",)).first()
        if invitation is None:
            raise InvitationNotFound
        membership, _ = members.enter(room=invitation.room, user_id=actor_id)
        discard(mine.filter(room_id=room_id))
        rooms.record(
            AuditAction.MEMBER_ADDED,
            invitation.invited_by_id,
            invitation.room_id,
            user_id=actor_id,
            invitation=str(invitation_id),
        )
    return membership


def decline_invitation(*, actor_id: UUID, invitation_id: UUID, now: datetime | None = None) -> None:
    """Delete an invitation of the actor. Raises InvitationNotFound."""
    mine = selectors.list_invitations_for(user_id=actor_id, now=now or timezone.now())
    if not discard(mine.filter(pk=invitation_id)):
        raise InvitationNotFound


def delete_expired(*, now: datetime | None = None) -> int:
    """Delete expired invitations and mutes. Returns the number of rows deleted."""
    now = now or timezone.now()
    count = 0
    while found := discard(Invitation.objects.filter(expires_at__lte=now), limit=_BATCH):
        count += found
    return count + Mute.objects.filter(until__lte=now).delete()[0]


def discard(invitations: QuerySet[Invitation], *, limit: int | None = None) -> int:
    """Delete invitations with their notifications. Returns the number of invitations deleted."""
    with transaction.atomic():
        ids = list(invitations.order_by().values_list("pk", flat=True)[:limit])
        count = Invitation.objects.filter(pk__in=ids).delete()[0]
        notifications.retract_invitations(invitation_ids=ids)
    return count
