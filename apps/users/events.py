"""Events of accounts. `handlers.py` wires this slice's reactions; other slices react as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.common.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered(Event):
    """A new account exists; its address is not verified yet."""

    name: ClassVar[str] = "users.registered"
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRepeated(Event):
    """A registration used the address of an existing account; the caller does not learn of the account."""

    name: ClassVar[str] = "users.registration_repeated"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(Event):
    """A password reset was requested. `user_id` matches no account when the address is unknown, at the same cost."""

    name: ClassVar[str] = "users.password_reset_requested"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """The password was changed, and sessions that it opened have ended."""

    name: ClassVar[str] = "users.password_changed"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokenReused(Event):
    """A refresh token was used twice, by a thief or by the owner, so its session was ended."""

    name: ClassVar[str] = "users.refresh_token_reused"
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequested(Event):
    """Another verification link was requested. `user_id` matches no account without anything to verify, at the same cost."""

    name: ClassVar[str] = "users.verification_requested"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeRequested(Event):
    """Both addresses have to confirm."""

    name: ClassVar[str] = "users.email_change_requested"
    user_id: UUID
    old_request_id: UUID
    new_request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChanged(Event):
    """The account has another address."""

    name: ClassVar[str] = "users.email_changed"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorEnabled(Event):
    """Signing in requires a second factor from now on."""

    name: ClassVar[str] = "users.second_factor_enabled"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorDisabled(Event):
    """Signing in requires only the password again."""

    name: ClassVar[str] = "users.second_factor_disabled"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodeUsed(Event):
    """A recovery code was used to sign in, and is void now."""

    name: ClassVar[str] = "users.recovery_code_used"
    user_id: UUID
    use_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """An account of a provider signs in to this account from now on."""

    name: ClassVar[str] = "users.identity_linked"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUnlinked(Event):
    """An account of a provider does not sign in to this account any more."""

    name: ClassVar[str] = "users.identity_unlinked"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeactivated(Event):
    """The account was deactivated; all of its sessions have ended."""

    name: ClassVar[str] = "users.deactivated"
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivated(Event):
    """The account was activated again."""

    name: ClassVar[str] = "users.activated"
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequested(Event):
    """The account is deactivated, and erased after its grace period."""

    name: ClassVar[str] = "users.erasure_requested"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureCancelled(Event):
    """The owner signed in during the grace period: the account is kept."""

    name: ClassVar[str] = "users.erasure_cancelled"
    user_id: UUID
    cancel_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserErased(Event):
    """The account is erased; a row without personal data remains. `with_content`: its posts are erased as well."""

    name: ClassVar[str] = "users.erased"
    user_id: UUID
    with_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AvatarDiscarded(Event):
    """No account uses this file any more."""

    name: ClassVar[str] = "users.avatar_discarded"
    file: str
