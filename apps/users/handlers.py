"""What follows from the events of this slice: mails, and files to delete, each by a task."""

from __future__ import annotations

from apps.common import events
from apps.users import tasks
from apps.users.events import (
    AvatarDiscarded,
    EmailChanged,
    EmailChangeRequested,
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


@events.on(UserRegistered)
def welcome(event: UserRegistered) -> None:
    """Greet, and ask to verify the address."""
    tasks.send_welcome_mail.delay(user_id=str(event.user_id))


@events.on(RegistrationRepeated)
def tell_owner(event: RegistrationRepeated) -> None:
    """Tell the owner of the address, since the caller was not told."""
    tasks.send_notice.delay(notice="registration_repeated", user_id=str(event.user_id))


@events.on(PasswordResetRequested)
def send_reset_link(event: PasswordResetRequested) -> None:
    """Send the link, if there is somebody to send it to; the task finds out."""
    tasks.send_password_reset_mail.delay(user_id=str(event.user_id), request_id=str(event.request_id))


@events.on(VerificationRequested)
def send_verification_link(event: VerificationRequested) -> None:
    """Send the link, if there is something to verify; the task finds out."""
    tasks.send_verification_mail.delay(user_id=str(event.user_id), request_id=str(event.request_id))


@events.on(EmailChangeRequested)
def ask_both_addresses(event: EmailChangeRequested) -> None:
    """Send a link to the address of now and to the new one."""
    for request_id in (event.old_request_id, event.new_request_id):
        tasks.send_email_change_mail.delay(user_id=str(event.user_id), request_id=str(request_id))


@events.on(EmailChanged)
def confirm_email_change(event: EmailChanged) -> None:
    """Tell the owner."""
    tasks.send_notice.delay(notice="email_changed", user_id=str(event.user_id))


@events.on(PasswordChanged)
def confirm_change(event: PasswordChanged) -> None:
    """Tell the owner."""
    tasks.send_notice.delay(notice="password_changed", user_id=str(event.user_id))


@events.on(RefreshTokenReused)
def warn_of_theft(event: RefreshTokenReused) -> None:
    """Tell the owner."""
    tasks.send_notice.delay(notice="session_ended", user_id=str(event.user_id))


@events.on(SecondFactorEnabled)
def confirm_second_factor(event: SecondFactorEnabled) -> None:
    """Tell the owner."""
    tasks.send_notice.delay(notice="second_factor_on", user_id=str(event.user_id))


@events.on(SecondFactorDisabled)
def warn_of_second_factor(event: SecondFactorDisabled) -> None:
    """Tell the owner."""
    tasks.send_notice.delay(notice="second_factor_off", user_id=str(event.user_id))


@events.on(RecoveryCodeUsed)
def warn_of_recovery_code(event: RecoveryCodeUsed) -> None:
    """Tell the owner."""
    tasks.send_notice.delay(notice="recovery_code_used", user_id=str(event.user_id))


@events.on(AvatarDiscarded)
def delete_file(event: AvatarDiscarded) -> None:
    """Free its space."""
    tasks.delete_avatar.delay(file=event.file)
