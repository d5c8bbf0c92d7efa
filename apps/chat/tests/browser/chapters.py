"""The chapters of the chat slice: a conversation of two members, failures, and what surrounds messages."""

from __future__ import annotations

from typing import Final

from apps.chat.tests.browser import conversation, failures, messages, notified, reported_faults
from apps.common.tests.browser.journey import Chapter

NEEDS: Final = ("console", "users", "notifications")

CHAPTERS: Final[tuple[Chapter, ...]] = (
    conversation.two_members_meet,
    conversation.they_talk,
    conversation.text_stays_text,
    conversation.own_messages_are_edited_and_deleted,
    conversation.the_keyboard_is_enough,
    conversation.pictures_are_taken,
    failures.any_order_of_arrival_ends_in_one_order,
    failures.a_killed_server_loses_nothing,
    failures.a_kill_amid_a_burst_loses_nothing,
    failures.a_lost_connection_is_restored,
    failures.history_is_paged,
    failures.missed_edits_and_deletions_are_shown,
    failures.unread_messages_are_counted,
    failures.a_private_room_is_not_seen,
    messages.messages_are_replied_to,
    messages.files_go_with_messages,
    messages.a_refused_file_is_explained,
    messages.members_are_mentioned,
    messages.messages_are_found,
    messages.members_are_invited_and_moderated,
    notified.notifications_of_seen_messages_are_read,
    reported_faults.composing_does_not_send,
    reported_faults.long_lists_do_not_scroll_the_page,
    reported_faults.a_client_id_identifies_messages_of_its_sender_only,
    reported_faults.an_unacknowledged_message_is_discarded,
    reported_faults.half_a_character_is_sent_as_a_replacement,
    reported_faults.system_messages_look_like_what_they_are,
    failures.tokens_are_renewed_in_an_open_room,
    failures.a_reload_stays_in_the_room,
    failures.a_phone_is_enough,
    failures.a_session_ended_elsewhere_ends_here,
    reported_faults.too_many_connections_are_explained,
    failures.signing_out_forgets_messages,
)
