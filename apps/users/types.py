"""Values that services take and return, without Django and rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict
from uuid import UUID


class Permission(StrEnum):
    """Permissions of this slice that a role may grant, declared by name like those of other slices (apps.common.slices)."""

    ENTER_ADMIN = "users.enter_admin"
    """Enter the admin zone; each action there needs its own permission."""
    USE_SITE = "users.use_site"
    """Use Django's admin site."""
    READ = "users.read"
    """See every account."""
    MANAGE = "users.manage"
    """Change, deactivate and activate accounts of no higher rank, and give them roles of no higher rank."""
    ERASE = "users.erase"
    """Erase accounts of no higher rank."""
    MANAGE_ROLES = "users.manage_roles"
    """Create, change and delete roles below the actor's own, with permissions that the actor holds."""


class AuditAction(StrEnum):
    """Actions of this slice in the audit log."""

    ROLE_CHANGED = "users.role_changed"
    ACTIVATED = "users.activated"
    DEACTIVATED = "users.deactivated"
    ERASED = "users.erased"
    ERASURE_REQUESTED = "users.erasure_requested"
    ERASURE_CANCELLED = "users.erasure_cancelled"
    SIGNED_IN = "users.signed_in"
    SIGN_IN_REFUSED = "users.sign_in_refused"
    SIGNED_OUT = "users.signed_out"
    SIGNED_OUT_EVERYWHERE = "users.signed_out_everywhere"
    SESSION_REVOKED = "users.session_revoked"
    SESSIONS_REVOKED = "users.sessions_revoked"
    REFRESH_TOKEN_REUSED = "users.refresh_token_reused"  # noqa: S105  (an action's name)
    PASSWORD_CHANGED = "users.password_changed"  # noqa: S105
    EMAIL_VERIFIED = "users.email_verified"
    EMAIL_CHANGE_REQUESTED = "users.email_change_requested"
    EMAIL_CHANGE_CANCELLED = "users.email_change_cancelled"
    EMAIL_CHANGED = "users.email_changed"
    REGISTERED = "users.registered"
    EXPORTED = "users.exported"
    IDENTITY_LINKED = "users.identity_linked"
    IDENTITY_UNLINKED = "users.identity_unlinked"
    SECOND_FACTOR_ENABLED = "users.second_factor_enabled"
    SECOND_FACTOR_DISABLED = "users.second_factor_disabled"
    SECOND_FACTOR_REFUSED = "users.second_factor_refused"
    RECOVERY_CODES_RENEWED = "users.recovery_codes_renewed"
    SITE_CHANGED = "users.site_changed"
    ROLE_MADE = "users.role_made"
    ROLE_EDITED = "users.role_edited"
    ROLE_DELETED = "users.role_deleted"


class ProfileChanges(TypedDict, total=False):
    """Changes of the own account; absent keys stay."""

    name: str
    phone: str | None


class AccountChanges(TypedDict, total=False):
    """Changes of an account by an admin; absent keys stay."""

    name: str
    role: str
    is_active: bool


class RoleChanges(TypedDict, total=False):
    """Changes of a role; absent keys stay."""

    title: str
    rank: int
    permissions: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The origin of a sign-in: the limit's key of the address, and the client's user agent."""

    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUser:
    """The user of a live session, without the rest of the account."""

    user_id: UUID
    name: str
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReference:
    """A session and its user, whether it is live or not."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A one-time secret that opens a connection; `expires_in` is in seconds."""

    ticket: str
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """The result of a sign-in or a refresh; `expires_in` is that of the access token, in seconds."""

    access: str
    refresh: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  (the scheme's name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The result of a sign-in that requires a second factor; `expires_in` is in seconds."""

    challenge: str
    expires_in: int
    methods: tuple[str, ...] = ("totp", "recovery_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStart:
    """The URL to send the browser to; `flow` is a secret that it has to return. `expires_in` is in seconds."""

    authorization_url: str
    flow: str
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReturn:
    """The response that a browser returns with; `iss` is empty where the provider does not send it (RFC 9207)."""

    flow: str
    code: str
    state: str
    iss: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """The data to set up an authenticator app with: the secret in base32, a link, and the link's QR code as SVG."""

    secret: str
    uri: str
    qr_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorState:
    """Whether there is one, since when, and how many recovery codes are left."""

    is_enabled: bool
    enabled_at: datetime | None
    recovery_codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """Claims of a token and its account (RFC 7662). Without an active token all but `active` is empty."""

    active: bool
    sub: UUID | None = None
    sid: UUID | None = None
    exp: int | None = None
    role: str | None = None
