"""What can go wrong in a room, by name."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.common.exceptions import (
    Conflict,
    Denied,
    DomainError,
    FieldError,
    Gone,
    InvalidInput,
    NotFound,
    TooManyRequests,
)


class RoomNotFound(NotFound):
    """No such room, or a private one that the caller is not in."""

    code = "room_not_found"
    detail = "There is no such room."


class NotAMember(Denied):
    """A public room that the caller has not joined."""

    code = "not_a_member"
    detail = "Join the room first."


class Banned(Denied):
    """Someone who was banned wants to come in."""

    code = "banned"
    detail = "You are banned from this room."


class MemberBanned(Conflict):
    """Someone else wants to bring in who is banned."""

    code = "member_banned"
    detail = "This person is banned from the room. Lift the ban first."


class BanNotFound(NotFound):
    """That person is not banned from the room."""

    code = "ban_not_found"
    detail = "There is no such ban."


class RoomRoleTooLow(Denied):
    """The caller's role in the room does not reach."""

    code = "room_role_too_low"
    detail = "Your role in this room does not allow this."


class SlugTaken(Conflict):
    """Another room has the slug."""

    code = "slug_taken"
    detail = "A room with this slug exists."


class TooManyRooms(Conflict):
    """The user owns as many public rooms as a user may (CHAT_PUBLIC_ROOMS_PER_USER)."""

    code = "too_many_rooms"
    detail = "The user owns as many public rooms as a user may."


class LastOwner(Conflict):
    """The room would be left without an owner."""

    code = "last_owner"
    detail = "A room needs an owner: make someone else owner first, or delete the room."


class MemberNotFound(NotFound):
    """That person is not in the room, or there is no such person."""

    code = "member_not_found"
    detail = "There is no such member."


class InvalidMute(InvalidInput):
    """A time until which nobody can be muted."""

    code = "invalid_mute"
    detail = "Mute until a time in the future, for a year at most."


class InvitationNotFound(NotFound):
    """No such invitation, or none of the caller's."""

    code = "invitation_not_found"
    detail = "There is no such invitation."


class TooManyInvitations(Conflict):
    """A room has as many open invitations as it may have."""

    code = "too_many_invitations"
    detail = "This room has too many open invitations. Withdraw some first."


class MessageNotFound(NotFound):
    """No such message in this room."""

    code = "message_not_found"
    detail = "There is no such message."


class MessageDeleted(Gone):
    """The message was taken back."""

    code = "message_deleted"
    detail = "The message was deleted."


class InvalidMessage(InvalidInput):
    """A text that cannot be a message."""

    code = "invalid_message"
    detail = "A message has between 1 and 4000 characters, and something that can be seen."


class InvalidReply(InvalidInput):
    """The message that is replied to is not in this room."""

    code = "invalid_reply"
    detail = "There is no such message in this room to reply to."


class InvalidAttachment(InvalidInput):
    """A file that the sender has not uploaded to this room, or that another message has."""

    code = "invalid_attachment"
    detail = "Attach files that you have uploaded to this room, each to one message."


class FileNotTaken(InvalidInput):
    """An upload that is too large, or of a kind that is not taken."""

    code = "file_not_taken"
    detail = "This file is not taken."


class TooManyUploads(Conflict):
    """Someone uploads without posting."""

    code = "too_many_uploads"
    detail = "Post what you have uploaded first."


class TooOften(TooManyRequests):
    """Someone invites or uploads more than people do."""

    code = "too_often"
    detail = "You do this too often. Try again later."


class AttachmentNotFound(NotFound):
    """No such file in this room, or none that was posted."""

    code = "attachment_not_found"
    detail = "There is no such file."


class Muted(Denied):
    """The sender may read and not speak, until a time."""

    code = "muted"

    def __init__(self, until: datetime) -> None:
        self.until = until.astimezone(UTC)
        told = self.until.isoformat(timespec="seconds").replace("+00:00", "Z")
        super().__init__(
            f"You are muted in this room until {told}.",
            errors=[FieldError(field="muted_until", code="muted", detail=told)],
        )


MessageRefused = DomainError
"""Why one draft of several was not taken."""
