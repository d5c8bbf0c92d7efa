"""Reads of the users slice: who calls (`authentication`), and accounts and their sessions (`accounts`). Nothing writes."""

from apps.users.selectors.accounts import (
    get_second_factor_state,
    get_session_of,
    get_user,
    get_user_for,
    list_sessions,
    list_users,
    names_of,
    was_signed_in_from,
)
from apps.users.selectors.authentication import authenticate_access, introspect, list_dead_sessions

__all__ = [
    "authenticate_access",
    "get_second_factor_state",
    "get_session_of",
    "get_user",
    "get_user_for",
    "introspect",
    "list_dead_sessions",
    "list_sessions",
    "list_users",
    "names_of",
    "was_signed_in_from",
]
