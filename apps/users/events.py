"""What happened to accounts. `handlers.py` says what follows from it here; other slices listen as well."""

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
    """Somebody registered with the address of an account, and was not told that it exists."""

    name: ClassVar[str] = "users.registration_repeated"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(Event):
    """Somebody asked for a reset. `user_id` is of nobody when the address is unknown: both cost the same."""

    name: ClassVar[str] = "users.password_reset_requested"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """The password is another one, and the sessions that it opened are over."""

    name: ClassVar[str] = "users.password_changed"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokenReused(Event):
    """A refresh token came twice: a thief and the owner cannot be told apart, so the session was ended."""

    name: ClassVar[str] = "users.refresh_token_reused"
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequested(Event):
    """Somebody asked for the link once more. `user_id` is of nobody when there is nothing to verify: both cost the same."""

    name: ClassVar[str] = "users.verification_requested"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeRequested(Event):
    """Both addresses are to be asked."""

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
    """Signing in takes a second factor from now on."""

    name: ClassVar[str] = "users.second_factor_enabled"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorDisabled(Event):
    """A password is enough again."""

    name: ClassVar[str] = "users.second_factor_disabled"
    user_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodeUsed(Event):
    """Somebody signed in with a recovery code, which cannot be used again."""

    name: ClassVar[str] = "users.recovery_code_used"
    user_id: UUID
    use_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeactivated(Event):
    """The account was switched off; all of its sessions are over."""

    name: ClassVar[str] = "users.deactivated"
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivated(Event):
    """The account was switched on again."""

    name: ClassVar[str] = "users.activated"
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequested(Event):
    """The account is switched off, and erased when its grace period is over."""

    name: ClassVar[str] = "users.erasure_requested"
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureCancelled(Event):
    """The owner signed in during the grace period: the account stays."""

    name: ClassVar[str] = "users.erasure_cancelled"
    user_id: UUID
    cancel_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserErased(Event):
    """The account is erased; a shell without personal data is left. `with_content`: what it posted goes as well."""

    name: ClassVar[str] = "users.erased"
    user_id: UUID
    with_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AvatarDiscarded(Event):
    """No account shows this file any more."""

    name: ClassVar[str] = "users.avatar_discarded"
    file: str
