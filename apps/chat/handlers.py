"""Consequences of events of this slice and of others."""

from __future__ import annotations

from apps.chat import tasks
from apps.chat.events import (
    AnnouncementRequested,
    FilesDiscarded,
    LanguageChanged,
    MemberAdded,
    MessageNoticed,
    PersonInvited,
    RoomDeleted,
)
from apps.common import events
from apps.users.events import UserErased

# A deactivated account keeps its memberships, since it may be activated again.
events.on(UserErased, task=tasks.forget_user, name="apps.chat.handlers.leave_all_rooms")
events.on(AnnouncementRequested, task=tasks.announce)
events.on(FilesDiscarded, task=tasks.delete_discarded_files)
events.on(LanguageChanged, task=tasks.index_messages)
events.on(MessageNoticed, task=tasks.tell_of_message)
events.on(MemberAdded, task=tasks.tell_of_membership)
events.on(PersonInvited, task=tasks.tell_of_invitation)
events.on(RoomDeleted, task=tasks.retract_room)
