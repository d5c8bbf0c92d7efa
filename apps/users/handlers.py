"""Reactions to this slice's events: mails, and deletion of files."""

from __future__ import annotations

from apps.common import events
from apps.users import tasks
from apps.users.events import (
    AvatarDiscarded,
    EmailChanged,
    EmailChangeRequested,
    ErasureCancelled,
    ErasureRequested,
    IdentityLinked,
    IdentityUnlinked,
    PasswordChanged,
    PasswordResetRequested,
    RecoveryCodeUsed,
    RefreshTokenReused,
    RegistrationRepeated,
    SecondFactorDisabled,
    SecondFactorEnabled,
    UserRegistered,
    VerificationRequested,
)

events.on(UserRegistered, task=tasks.send_welcome_mail)
events.on(VerificationRequested, task=tasks.send_verification_mail)
events.on(PasswordResetRequested, task=tasks.send_password_reset_mail)
for address in ("old", "new"):
    events.on(
        EmailChangeRequested,
        task=tasks.send_email_change_mail,
        name=f"apps.users.handlers.ask_{address}_address",
        fields={"request_id": f"{address}_request_id"},
    )

# The owner is notified, since another user may have done it.
events.on(RegistrationRepeated, task=tasks.send_notice, notice="registration_repeated")
events.on(ErasureRequested, task=tasks.send_notice, notice="erasure_requested")
events.on(ErasureCancelled, task=tasks.send_notice, notice="erasure_cancelled")
events.on(EmailChanged, task=tasks.send_notice, notice="email_changed")
events.on(PasswordChanged, task=tasks.send_notice, notice="password_changed")
events.on(RefreshTokenReused, task=tasks.send_notice, notice="session_ended")
events.on(SecondFactorEnabled, task=tasks.send_notice, notice="second_factor_on")
events.on(SecondFactorDisabled, task=tasks.send_notice, notice="second_factor_off")
events.on(IdentityLinked, task=tasks.send_notice, notice="identity_linked")
events.on(IdentityUnlinked, task=tasks.send_notice, notice="identity_unlinked")
events.on(RecoveryCodeUsed, task=tasks.send_notice, notice="recovery_code_used")

events.on(AvatarDiscarded, task=tasks.delete_avatar)
