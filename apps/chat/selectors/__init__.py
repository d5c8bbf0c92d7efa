"""Queries for rooms, members and messages. They never write; rows that the user may not see are not found."""

from apps.chat.selectors.live import (
    Differences,
    get_differences,
    list_changed_after,
    list_former_members,
    list_heads,
    list_membership_lookups,
    list_missed_changes,
    list_posted_after,
)
from apps.chat.selectors.members import (
    get_inviter,
    get_member,
    is_banned,
    is_last_owner,
    list_bans,
    list_invitations_for,
    list_invitations_of,
    list_members,
    list_people_known_to,
    names_of_members,
)
from apps.chat.selectors.messages import (
    QUOTE_LENGTH,
    SYSTEM_NAME,
    as_posted,
    attached,
    get_attachment,
    get_message,
    get_posted,
    list_messages,
    list_quotes,
    quote,
)
from apps.chat.selectors.rooms import (
    Standing,
    get_membership,
    get_moderator,
    get_rank_against,
    get_room,
    get_room_visible_to,
    get_standing,
    list_rooms,
    list_rooms_without_owner,
)
from apps.chat.selectors.search import (
    as_found,
    search_messages,
)
