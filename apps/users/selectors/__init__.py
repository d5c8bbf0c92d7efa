"""Reads of the users slice: who calls (`authentication`), and accounts and their sessions (`accounts`). Nothing writes."""

from apps.users.selectors.accounts import (
    get_session_of,
    get_user,
    get_user_for,
    list_sessions,
    list_users,
    names_of,
)
from apps.users.selectors.authentication import authenticate_access, introspect, list_dead_sessions

__all__ = [
    "authenticate_access",
    "get_session_of",
    "get_user",
    "get_user_for",
    "introspect",
    "list_dead_sessions",
    "list_sessions",
    "list_users",
    "names_of",
]
