"""What can go wrong in a room, by name."""

from __future__ import annotations

from apps.common.exceptions import Conflict, Denied, DomainError, Gone, InvalidInput, NotFound


class RoomNotFound(NotFound):
    """No such room, or a private one that the caller is not in."""

    code = "room_not_found"
    detail = "There is no such room."


class NotAMember(Denied):
    """A public room that the caller has not joined."""

    code = "not_a_member"
    detail = "Join the room first."


class RoomRoleTooLow(Denied):
    """The caller's role in the room does not reach."""

    code = "room_role_too_low"
    detail = "Your role in this room does not allow this."


class SlugTaken(Conflict):
    """Another room has the slug."""

    code = "slug_taken"
    detail = "A room with this slug exists."


class LastOwner(Conflict):
    """The room would be left without an owner."""

    code = "last_owner"
    detail = "A room needs an owner: make someone else owner first, or delete the room."


class MemberNotFound(NotFound):
    """That person is not in the room, or there is no such person."""

    code = "member_not_found"
    detail = "There is no such member."


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
    detail = "A message has between 1 and 4000 characters that are not all blank."


MessageRefused = DomainError
"""Why one draft of several was not taken."""
