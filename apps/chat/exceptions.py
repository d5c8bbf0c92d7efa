"""Errors of rooms, members and messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from apps.common.exceptions import (
    Conflict,
    Denied,
    FieldError,
    Gone,
    InvalidInput,
    NotFound,
    TooManyRequests,
)


class RoomNotFound(NotFound):
    """There is no such room, or it is private and the caller is not a member."""

    code = "room_not_found"
    detail = "There is no such room."


class NotAMember(Denied):
    """The room is public, and the caller has not joined it."""

    code = "not_a_member"
    detail = "Join the room first."


class Banned(Denied):
    code = "banned"
    detail = "You are banned from this room."


class MemberBanned(Conflict):
    code = "member_banned"
    detail = "This user is banned from the room. Lift the ban first."


class BanNotFound(NotFound):
    code = "ban_not_found"
    detail = "There is no such ban."


class RoomRoleTooLow(Denied):
    code = "room_role_too_low"
    detail = "Your role in this room does not allow this."


MEMBERS_ONLY: Final = (RoomNotFound, NotAMember)
ROLES_ONLY: Final = (*MEMBERS_ONLY, RoomRoleTooLow)
"""The failures of operations that need a membership, or a role."""


class SlugTaken(Conflict):
    code = "slug_taken"
    detail = "A room with this slug exists."


class TooManyRooms(Conflict):
    """The user owns as many public rooms as a user may (CHAT_PUBLIC_ROOMS_PER_USER)."""

    code = "too_many_rooms"
    detail = "The user owns as many public rooms as a user may."


class LastOwner(Conflict):
    code = "last_owner"
    detail = "A room needs an owner: make another member owner first, or delete the room."


class MemberNotFound(NotFound):
    code = "member_not_found"
    detail = "There is no such member."


class InvalidMute(InvalidInput):
    code = "invalid_mute"
    detail = "Mute until a time in the future, for a year at most."


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    detail = "There is no such invitation."


class TooManyInvitations(Conflict):
    code = "too_many_invitations"
    detail = "This room has too many open invitations. Withdraw some first."


class MessageNotFound(NotFound):
    code = "message_not_found"
    detail = "There is no such message."


class MessageDeleted(Gone):
    code = "message_deleted"
    detail = "The message was deleted."


class InvalidMessage(InvalidInput):
    code = "invalid_message"
    detail = "A message has 1 to 4000 characters, at least one of them visible."


class InvalidReply(InvalidInput):
    code = "invalid_reply"
    detail = "There is no such message in this room to reply to."


class InvalidAttachment(InvalidInput):
    code = "invalid_attachment"
    detail = "Attach only files that you have uploaded to this room, each to one message."


class FileNotTaken(InvalidInput):
    code = "file_not_taken"
    detail = "This file is not accepted."


class TooManyUploads(Conflict):
    code = "too_many_uploads"
    detail = "Post a message with your uploads first."


class TooOften(TooManyRequests):
    code = "too_often"
    detail = "You have done this too often. Try again later."


class AttachmentNotFound(NotFound):
    code = "attachment_not_found"
    detail = "There is no such file."


class Muted(Denied):
    """The sender is muted until a time."""

    code = "muted"

    def __init__(self, until: datetime) -> None:
        self.until = until.astimezone(UTC)
        until_text = self.until.isoformat(timespec="seconds").replace("+00:00", "Z")
        super().__init__(
            f"You are muted in this room until {until_text}.",
            errors=[FieldError(field="muted_until", code="muted", detail=until_text)],
        )
