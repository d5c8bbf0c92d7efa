"""Notifications of mentions, replies, added members and invitations."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.chat import limits, selectors
from apps.chat.models import Invitation, Membership, Message, Role
from apps.chat.types import Posted
from apps.common import mails
from apps.common.exceptions import NotFound
from apps.notifications import services as notifications
from apps.notifications.types import Kind, declare
from apps.users import selectors as users

MENTION: Final = declare(Kind(code="chat.mention", title="Someone mentions you in a room"))
REPLY: Final = declare(Kind(code="chat.reply", title="Someone replies to you"))
ADDED: Final = declare(Kind(code="chat.added", title="Someone adds you to a room"))
INVITATION: Final = declare(Kind(code="chat.invitation", title="Someone invites you into a room"))
EXCERPT: Final = 200


@transaction.atomic
def notify_of_message(*, room_id: UUID, message_id: UUID) -> int:
    """Notify the members whom a message mentions or replies to, once each; not its sender.

    Returns the number of members notified.
    """
    # Locked: a deletion of the message or the end of a membership waits, and then finds these notifications.
    message = Message.objects.select_for_update(no_key=True).filter(pk=message_id, room_id=room_id)
    if message.values_list("pk").first() is None:
        return 0
    posted = selectors.get_posted(room_id=room_id, message_id=message_id)
    if posted.is_deleted:
        return 0
    wanted = _addressed(posted)
    members = Membership.objects.select_for_update(no_key=True).filter(room_id=room_id, user_id__in=wanted)
    # Inboxes are locked in the order of users, as everywhere.
    present = sorted(members.order_by("pk").values_list("user_id", flat=True))
    room = selectors.get_room(pk=room_id)
    if present and posted.sender_id is not None and not limits.may("notices", posted.sender_id):
        return 0  # the mentions remain in the message
    count = 0
    for user_id in present:
        kind = wanted[user_id]
        did = "mentioned you" if kind is MENTION else "replied to you"
        count += _notify(
            user_id,
            kind=kind.code,
            title=f"{posted.sender_name} {did} in {room.name}",
            body=_excerpt(posted),
            link=f"/#/rooms/{room.slug}",
            data={"room": room.slug, "message": str(message_id), "seq": posted.seq},
            key=_message_key(message_id),
            about_id=posted.sender_id,
            scope=scope_of(room_id),
        )
    return count


def follow_edit(*, posted: Posted) -> None:
    """Update the notifications of an edited message; delete those of users whom it no longer addresses."""
    notifications.revise(key=_message_key(posted.id), body=_excerpt(posted), keep=list(_addressed(posted)))


def follow_deletion(*, message_ids: Collection[UUID]) -> None:
    notifications.retract(keys=[_message_key(id_) for id_ in message_ids])


def retract_invitations(*, invitation_ids: Collection[UUID]) -> None:
    """Delete the notifications of invitations that no longer exist."""
    if invitation_ids:
        notifications.retract(keys=[_invitation_key(id_) for id_ in invitation_ids])


def retract_room(*, room_id: UUID, user_id: UUID | None = None) -> None:
    """Delete the notifications that quote a room: those of a user who may no longer read it, or all."""
    notifications.retract_scope(scope=scope_of(room_id), user_id=user_id)


def scope_of(room_id: UUID) -> str:
    return f"chat.room:{room_id}"


def _message_key(message_id: UUID) -> str:
    return f"chat.message:{message_id}"


def _invitation_key(invitation_id: UUID) -> str:
    return f"chat.invitation:{invitation_id}"


def _addressed(posted: Posted) -> dict[UUID, Kind]:
    """The users whom a message mentions or replies to, without its sender."""
    wanted = {one.user_id: MENTION for one in posted.mentions}
    answered = None if posted.reply_to is None else posted.reply_to.sender_id
    if answered is not None:
        wanted.setdefault(answered, REPLY)
    return {user_id: kind for user_id, kind in wanted.items() if user_id != posted.sender_id}


@transaction.atomic
def notify_of_membership(*, room_id: UUID, user_id: UUID, actor_id: UUID) -> bool:
    """Notify a user who was added to a room and is still a member. Returns whether they were notified."""
    member = (
        Membership.objects.select_for_update(no_key=True).filter(room_id=room_id, user_id=user_id).first()
    )
    if member is None:
        return False
    room = selectors.get_room(pk=room_id)
    name = users.names_of([actor_id]).get(actor_id, selectors.SYSTEM_NAME)
    return _notify(
        user_id,
        kind=ADDED.code,
        title=f"{name} added you to {room.name}",
        link=f"/#/rooms/{room.slug}",
        data={"room": room.slug},
        key=f"chat.member:{member.pk}",
        about_id=actor_id,
        scope=scope_of(room_id),
    )


def notify_of_invitation(*, invitation_id: UUID) -> None:
    """Notify the invited user, if the account exists, and send a mail to an invited address.

    Raises EmailDeliveryError.
    """
    found = Invitation.objects.select_related("room", "invited_by").filter(pk=invitation_id)
    invitation = found.defer("invited_by__phone", "invited_by__password").first()
    if invitation is None:  # withdrawn or used already
        return
    user_id = invitation.user_id
    if user_id is None:
        try:
            user_id = users.get_user_by_verified_address(email=invitation.email).pk
        except NotFound:
            user_id = None
    if user_id is not None:
        _notify(
            user_id,
            kind=INVITATION.code,
            title=f"{invitation.invited_by.name} invites you into {invitation.room.name}",
            link="/#/invitations",
            data={"invitation": str(invitation_id)},
            key=_invitation_key(invitation_id),
            about_id=invitation.invited_by_id,
        )
    if invitation.email:
        # No free text of unverified accounts is sent to an unverified address.
        shows_names = user_id is not None or _are_confirmed(invitation)
        inviter, room = invitation.invited_by.name, invitation.room.name
        mails.send_once(
            template="room_invitation",
            cause=invitation_id,
            to=invitation.email,
            subject=f"{inviter} invites you into {room}" if shows_names else "You are invited into a room",
            context={
                "site": settings.PUBLIC_URL,
                "inviter": inviter if shows_names else "",
                "room": room,
                "link": f"{settings.PUBLIC_URL}/#/invitations",
                "address": invitation.email,
            },
        )


def _are_confirmed(invitation: Invitation) -> bool:
    """Whether the inviter and all owners, who could have named the room, have verified addresses."""
    owners = Membership.objects.filter(room=invitation.room, role=Role.OWNER)
    return invitation.invited_by.is_verified and not owners.filter(user__email_verified_at=None).exists()


def _notify(user_id: UUID, **notification: Any) -> bool:
    try:
        return notifications.notify(user_id=user_id, **notification) is not None
    except NotFound:  # erased or deactivated meanwhile
        return False


def _excerpt(posted: Posted) -> str:
    """The beginning of the text, with names in place of ids."""
    names = {str(one.user_id): one.name for one in posted.mentions}
    text = re.sub(r"<@([0-9a-fA-F-]{36})>", lambda found: f"@{names.get(found[1].lower(), '…')}", posted.text)
    return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…"
