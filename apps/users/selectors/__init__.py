"""Reads of the users slice: who calls (`authentication`), accounts and their sessions (`accounts`), `roles`. Nothing writes."""

from apps.users.email_addresses import canonical as canonical_email
from apps.users.selectors.accounts import (
    find_email_change,
    get_second_factor_state,
    get_session_of,
    get_user,
    get_user_by_verified_address,
    get_user_for,
    get_verified_address,
    list_identities,
    list_sessions,
    list_users,
    list_users_for,
    names_of,
    was_signed_in_from,
)
from apps.users.selectors.authentication import (
    authenticate_access,
    introspect,
    list_dead_sessions,
    list_session_users,
)
from apps.users.selectors.roles import get_rank, get_role, list_permissions, list_roles

__all__ = [
    "authenticate_access",
    "canonical_email",
    "find_email_change",
    "get_rank",
    "get_role",
    "get_second_factor_state",
    "get_session_of",
    "get_user",
    "get_user_by_verified_address",
    "get_user_for",
    "get_verified_address",
    "introspect",
    "list_dead_sessions",
    "list_identities",
    "list_permissions",
    "list_roles",
    "list_session_users",
    "list_sessions",
    "list_users",
    "list_users_for",
    "names_of",
    "was_signed_in_from",
]
