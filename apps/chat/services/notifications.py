"""Telling people what concerns them in rooms: they were named, answered, brought or asked in."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from apps.chat import limits, selectors
from apps.chat.exceptions import MemberNotFound, MessageNotFound
from apps.chat.models import Invitation
from apps.chat.types import Posted
from apps.common.exceptions import NotFound
from apps.notifications import services as notifications
from apps.notifications.types import Kind, declare
from apps.users import selectors as users
from infrastructure import email

MENTION: Final = declare(Kind(code="chat.mention", title="Someone mentions you in a room"))
REPLY: Final = declare(Kind(code="chat.reply", title="Someone replies to you"))
ADDED: Final = declare(Kind(code="chat.added", title="Someone adds you to a room"))
INVITATION: Final = declare(Kind(code="chat.invitation", title="Someone invites you into a room"))
EXCERPT: Final = 200


def tell_of_message(*, room_id: UUID, message_id: UUID) -> int:
    """Tell those whom a message names, and whom it answers, once each; how many were told. Its sender is not."""
    try:
        posted = selectors.get_posted(room_id=room_id, message_id=message_id)
    except MessageNotFound:  # the room is gone
        return 0
    if posted.is_deleted:
        return 0
    named = {one.user_id: MENTION for one in posted.mentions}
    answered = None if posted.reply_to is None else posted.reply_to.sender_id
    wanted = named if answered is None else {answered: REPLY} | named
    wanted.pop(posted.sender_id, None)  # type: ignore[arg-type]  # the system has no id, and is in no such mapping
    present = selectors.names_of_members(room_id=room_id, user_ids=set(wanted))
    room = selectors.get_room_by_id(room_id=room_id)
    if present and posted.sender_id is not None and not limits.may("notices", posted.sender_id):
        return 0  # they are in the message all the same
    count = 0
    for user_id in present:
        kind = wanted[user_id]
        did = "mentioned you" if kind is MENTION else "replied to you"
        told = _notify(
            user_id,
            kind=kind.code,
            title=f"{posted.sender_name} {did} in {room.name}",
            body=_excerpt(posted),
            link=f"/#/rooms/{room.slug}",
            data={"room": room.slug, "message": str(message_id), "seq": posted.seq},
            key=f"chat.message:{message_id}",
            about_id=posted.sender_id,
        )
        count += told
    return count


def tell_of_membership(*, room_id: UUID, user_id: UUID, actor_id: UUID) -> bool:
    """Tell someone that they were brought into a room, if they still are in it; whether they were told."""
    try:
        member = selectors.get_member(room_id=room_id, user_id=user_id)
    except MemberNotFound:
        return False
    room = selectors.get_room_by_id(room_id=room_id)
    name = users.names_of([actor_id]).get(actor_id, selectors.SYSTEM_NAME)
    return _notify(
        user_id,
        kind=ADDED.code,
        title=f"{name} added you to {room.name}",
        link=f"/#/rooms/{room.slug}",
        data={"room": room.slug},
        key=f"chat.member:{member.pk}",
        about_id=actor_id,
    )


def tell_of_invitation(*, invitation_id: UUID) -> None:
    """Tell the one who is invited, if there is such an account; to an address a mail goes in any case.

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
            key=f"chat.invitation:{invitation_id}",
            about_id=invitation.invited_by_id,
        )
    if invitation.email:
        email.send(
            template="room_invitation",
            to=invitation.email,
            context={
                "site": settings.PUBLIC_URL,
                "inviter": invitation.invited_by.name,
                "room": invitation.room.name,
                "link": f"{settings.PUBLIC_URL}/#/invitations",
                "address": invitation.email,
            },
        )


def _notify(user_id: UUID, **told: Any) -> bool:
    try:
        return notifications.notify(user_id=user_id, **told) is not None
    except NotFound:  # erased or switched off meanwhile
        return False


def _excerpt(posted: Posted) -> str:
    """The beginning of the text, with names where ids stand."""
    names = {str(one.user_id): one.name for one in posted.mentions}
    text = re.sub(r"<@([0-9a-fA-F-]{36})>", lambda found: f"@{names.get(found[1].lower(), '…')}", posted.text)
    return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…"
