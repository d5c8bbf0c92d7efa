"""What can be done in a room. Each function is one rule-bound change; REST, sockets, tasks and commands call the same."""

from apps.chat.services.departures import forget_user
from apps.chat.services.members import add_member, join_room, leave_room, record_reads, remove_member
from apps.chat.services.messages import delete_message, edit_message
from apps.chat.services.posting import (
    announce,
    clean_text,
    post_message,
    post_messages,
    post_system_message,
    store_messages,
)
from apps.chat.services.rooms import create_room, delete_room, edit_room

__all__ = [
    "add_member",
    "announce",
    "clean_text",
    "create_room",
    "delete_message",
    "delete_room",
    "edit_message",
    "edit_room",
    "forget_user",
    "join_room",
    "leave_room",
    "post_message",
    "post_messages",
    "post_system_message",
    "record_reads",
    "remove_member",
    "store_messages",
]
