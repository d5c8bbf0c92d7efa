"""Reads of the users slice, one module for each part."""

from apps.users.email_addresses import mailable as mailable_email
from apps.users.selectors.accounts import get_user, get_user_for, list_users, list_users_for, names_of
from apps.users.selectors.authentication import (
    authenticate_access,
    authenticate_session,
    introspect,
    list_dead_sessions,
    list_session_users,
)
from apps.users.selectors.email import (
    find_email_change,
    get_user_by_verified_address,
    get_verified_address,
)
from apps.users.selectors.providers import get_provider, list_identities, list_providers
from apps.users.selectors.roles import get_rank, get_role, list_permissions, list_roles
from apps.users.selectors.second_factor import get_second_factor_state
from apps.users.selectors.sessions import get_session_of, list_sessions, was_signed_in_from
from apps.users.selectors.tokens import access_tokens
