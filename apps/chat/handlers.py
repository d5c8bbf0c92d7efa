"""What follows here from events of this slice and of others, each by a task."""

from __future__ import annotations

from apps.chat import tasks
from apps.chat.events import (
    FilesDiscarded,
    LanguageChanged,
    MemberAdded,
    MessageNoticed,
    PersonInvited,
    RoomDeleted,
)
from apps.common import events
from apps.users.events import UserErased


@events.on(UserErased)
def leave_all_rooms(event: UserErased) -> None:
    """Someone is gone for good: hand their rooms on. A deactivated account keeps its place, it may come back."""
    tasks.forget_user.delay(user_id=str(event.user_id))


@events.on(FilesDiscarded)
def delete_files(event: FilesDiscarded) -> None:
    """Free their space."""
    tasks.delete_discarded_files.delay()


@events.on(LanguageChanged)
def index_messages(event: LanguageChanged) -> None:
    """Have what was said before found by the new rules, too."""
    tasks.index_messages.delay(room_id=str(event.room_id))


@events.on(MessageNoticed)
def tell_of_message(event: MessageNoticed) -> None:
    """Tell those who were named or answered."""
    tasks.tell_of_message.delay(room_id=str(event.room_id), message_id=str(event.message_id))


@events.on(MemberAdded)
def tell_of_membership(event: MemberAdded) -> None:
    """Tell the one who was brought in."""
    tasks.tell_of_membership.delay(
        room_id=str(event.room_id), user_id=str(event.user_id), actor_id=str(event.actor_id)
    )


@events.on(PersonInvited)
def tell_of_invitation(event: PersonInvited) -> None:
    """Tell the one who is invited."""
    tasks.tell_of_invitation.delay(invitation_id=str(event.invitation_id))


@events.on(RoomDeleted)
def retract_room(event: RoomDeleted) -> None:
    """Delete the notifications that quote the room."""
    tasks.retract_room.delay(room_id=str(event.room_id))
