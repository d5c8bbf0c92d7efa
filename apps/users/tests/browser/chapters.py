"""The chapters of the users slice: sessions, the account, links in mails, providers."""

from __future__ import annotations

from typing import Final

from apps.common.tests.browser.journey import Chapter
from apps.users.tests.browser import account, mail_links, providers, sessions

NEEDS: Final = ("console",)

CHAPTERS: Final[tuple[Chapter, ...]] = (
    sessions.the_sign_in_card_is_accessible,
    sessions.errors_are_shown_beside_the_field,
    sessions.two_users_sign_in,
    account.an_account_is_changed,
    sessions.a_duplicated_tab_does_not_end_the_session,
    sessions.a_session_outlives_its_tokens,
    sessions.a_reload_stays_where_it_was,
    sessions.a_session_ended_elsewhere_ends_here,
    sessions.signing_out_leaves_nothing,
    mail_links.an_address_is_verified,
    mail_links.a_forgotten_password_is_replaced,
    mail_links.a_link_is_followed_while_signed_in,
    account.a_second_factor_is_set_up_and_used,
    account.an_account_is_deleted_and_kept,
    providers.a_provider_signs_users_in,
)
