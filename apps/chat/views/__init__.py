"""The REST interface: parse, one call, render."""

from apps.chat.views.members import JoinView, LeaveView, MembersView, MemberView
from apps.chat.views.messages import MessagesView, MessageView, SystemMessagesView
from apps.chat.views.rooms import RoomsView, RoomView

__all__ = [
    "JoinView",
    "LeaveView",
    "MemberView",
    "MembersView",
    "MessageView",
    "MessagesView",
    "RoomView",
    "RoomsView",
    "SystemMessagesView",
]
