"""The REST interface: parse, one call, render."""

from apps.chat.views.attachments import AttachmentsView, AttachmentView
from apps.chat.views.bans import BansView, BanView
from apps.chat.views.invitations import (
    AcceptView,
    DeclineView,
    InvitationsView,
    InvitationView,
    MyInvitationsView,
)
from apps.chat.views.members import (
    JoinView,
    LeaveView,
    MembersView,
    MemberView,
    MuteView,
    PeopleView,
    ReadView,
)
from apps.chat.views.messages import MessagesView, MessageView, RoomEventsView, SearchView, SystemMessagesView
from apps.chat.views.rooms import RoomsView, RoomView

__all__ = [
    "AcceptView",
    "AttachmentView",
    "AttachmentsView",
    "BanView",
    "BansView",
    "DeclineView",
    "InvitationView",
    "InvitationsView",
    "JoinView",
    "LeaveView",
    "MemberView",
    "MembersView",
    "MessageView",
    "MessagesView",
    "MuteView",
    "MyInvitationsView",
    "PeopleView",
    "ReadView",
    "RoomEventsView",
    "RoomView",
    "RoomsView",
    "SearchView",
    "SystemMessagesView",
]
