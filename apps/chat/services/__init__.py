"""The use cases of rooms, called by REST, sockets, tasks and commands alike."""

from apps.chat.services.attachments import delete_discarded_files, delete_orphaned_files, upload_file
from apps.chat.services.departures import forget_user
from apps.chat.services.invitations import (
    accept_invitation,
    decline_invitation,
    delete_expired,
    invite,
    withdraw_invitation,
)
from apps.chat.services.members import (
    add_member,
    change_role,
    join_room,
    leave_room,
    read_up_to,
    record_reads,
)
from apps.chat.services.messages import delete_message, delete_messages_of, edit_message
from apps.chat.services.moderation import ban_member, lift_ban, mute_member, remove_member, unmute_member
from apps.chat.services.notifications import (
    notify_of_invitation,
    notify_of_membership,
    notify_of_message,
    retract_room,
)
from apps.chat.services.posting import (
    announce,
    clean_text,
    post_message,
    post_messages,
    post_system_message,
    request_announcement,
    store_in_rooms,
    store_messages,
)
from apps.chat.services.rooms import (
    create_room,
    delete_room,
    edit_room,
    force_delete_room,
    index_messages,
    push_event,
)
