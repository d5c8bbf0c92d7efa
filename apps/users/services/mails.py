"""Mails to users about their account. Each is sent once for its request or event (apps.common.mails).

The row of a mail's token is written in the transaction that sends the mail, so a mail that could not be sent leaves no
token behind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common import mails
from apps.users.models import EmailChange, Purpose, User
from apps.users.services import one_time

_SUBJECTS: Final = {
    "welcome": "Welcome to {product}",
    "verify_email": "Verify your address",
    "email_change_old": "Leave this address?",
    "email_change_new": "Move your account here?",
    "email_wanted": "Someone tried to use your address",
    "password_reset": "Set a new password",
    "registration_repeated": "You have an account already",
    "password_changed": "Your password was changed",
    "session_ended": "A device was signed out",
    "erasure_requested": "Your account will be erased",
}
_NOT_YOU: Final = "If it was not you, set a new password right away."
# Subject, what happened, what to do about it.
_CHANGES: Final = {
    "second_factor_on": (
        "Your account has a second factor",
        "signing in to your account takes a code of your authenticator app from now on. Other devices were signed out.",
        _NOT_YOU,
    ),
    "second_factor_off": (
        "Your account has no second factor any more",
        "the second factor of your account was switched off: its password is enough to sign in.",
        _NOT_YOU,
    ),
    "email_changed": (
        "Your account has another address",
        "this is the address of your account from now on. Sign in with it.",
        _NOT_YOU,
    ),
    "erasure_cancelled": (
        "Your account is kept",
        "signing in has cancelled the erasure of your account.",
        _NOT_YOU,
    ),
    "identity_linked": (
        "Your account can be signed in to with a provider",
        "an account at another provider was linked to your account, and signs in to it without your password.",
        "If it was not you, remove it on the page of your account, and set a new password right away.",
    ),
    "identity_unlinked": (
        "A provider was unlinked from your account",
        "an account at another provider does not sign in to your account any more.",
        _NOT_YOU,
    ),
    "recovery_code_used": (
        "A recovery code was used",
        "someone signed in to your account with one of its recovery codes. It cannot be used again.",
        _NOT_YOU,
    ),
}
NOTICES: Final = frozenset(
    {"erasure_requested", "registration_repeated", "password_changed", "session_ended", *_CHANGES}
)


def send_welcome_mail(*, user_id: UUID, now: datetime | None = None) -> None:
    """Send a new account the link that verifies its address. Raises EmailDeliveryError."""
    now = now or timezone.now()
    with transaction.atomic():
        user = _addressee(user_id)
        if user is None or user.welcomed_at is not None:
            return
        token = one_time.issue(
            user=user,
            purpose=Purpose.VERIFY_EMAIL,
            # An account is welcomed once, so its own id is that of the request.
            request_id=user.pk,
            lifetime=settings.VERIFICATION_LIFETIME,
            now=now,
        )
        if token is not None:
            hours = int(settings.VERIFICATION_LIFETIME.total_seconds()) // 3600
            _send("welcome", user.pk, user, token=token, link=_link("verify-email", token), hours=hours)
            User.objects.filter(pk=user.pk).update(welcomed_at=now)


def send_verification_mail(*, user_id: UUID, request_id: UUID, now: datetime | None = None) -> None:
    """Send the verification link again. Sends nothing for an unknown account or a verified address.

    Raises EmailDeliveryError.
    """
    with transaction.atomic():
        user = _addressee(user_id)
        if user is None or user.is_verified:
            return
        token = one_time.issue(
            user=user,
            purpose=Purpose.VERIFY_EMAIL,
            request_id=request_id,
            lifetime=settings.VERIFICATION_LIFETIME,
            now=now or timezone.now(),
        )
        if token is not None:
            hours = int(settings.VERIFICATION_LIFETIME.total_seconds()) // 3600
            link = _link("verify-email", token)
            _send("verify_email", request_id, user, token=token, link=link, hours=hours)


def send_email_change_mail(*, user_id: UUID, request_id: UUID, now: datetime | None = None) -> None:
    """Send one of the two mails of a change of address. An address with an account gets a notice instead, which the requester
    does not learn.

    Raises EmailDeliveryError.
    """
    now = now or timezone.now()
    with transaction.atomic():
        user = _addressee(user_id)
        change = EmailChange.objects.filter(user_id=user_id, expires_at__gt=now).first()
        if user is None or change is None or request_id not in (change.old_request_id, change.new_request_id):
            return
        is_new = request_id == change.new_request_id
        owner = User.objects.defer("phone").filter(email=change.email, is_active=True).first()
        if is_new and owner is not None:
            _send("email_wanted", request_id, owner)
            return
        token = one_time.issue(
            user=user,
            purpose=Purpose.EMAIL_NEW if is_new else Purpose.EMAIL_OLD,
            request_id=request_id,
            lifetime=settings.EMAIL_CHANGE_LIFETIME,
            now=now,
        )
        if token is not None:
            hours = int(settings.EMAIL_CHANGE_LIFETIME.total_seconds()) // 3600
            link = _link("confirm-email", token)
            template = "email_change_new" if is_new else "email_change_old"
            to = change.email if is_new else user.email
            _send(
                template, request_id, user, to=to, new_email=change.email, token=token, link=link, hours=hours
            )


def send_password_reset_mail(*, user_id: UUID, request_id: UUID, now: datetime | None = None) -> None:
    """Send the link that sets a new password. Sends nothing for an unknown or inactive account.

    Raises EmailDeliveryError.
    """
    with transaction.atomic():
        user = _addressee(user_id)
        if user is None:
            return
        token = one_time.issue(
            user=user,
            purpose=Purpose.RESET_PASSWORD,
            request_id=request_id,
            lifetime=settings.PASSWORD_RESET_LIFETIME,
            now=now or timezone.now(),
        )
        if token is not None:
            minutes = int(settings.PASSWORD_RESET_LIFETIME.total_seconds()) // 60
            link = _link("reset-password", token)
            _send("password_reset", request_id, user, token=token, link=link, minutes=minutes)


def send_notice(*, notice: str, user_id: UUID, event_id: UUID | None = None) -> None:
    """Notify the owner of a change of their account, once for each event, so that they notice a change by others.

    Tasks of an earlier release do not name the event. Raises EmailDeliveryError, ValueError for an unknown notice.
    """
    cause = event_id or uuid4()
    if notice not in NOTICES:
        raise ValueError(f"{notice!r} is no notice.")
    user = _addressee(user_id)
    if user is None:
        return
    if notice in _CHANGES:
        subject, happened, remedy = _CHANGES[notice]
        _send("security_notice", cause, user, subject=subject, happened=happened, remedy=remedy)
    else:
        _send(notice, cause, user, erase_at=user.erase_at)


def _addressee(user_id: UUID) -> User | None:
    # Not locked: a mail server may be slow, and the user may sign in meanwhile.
    return User.objects.able_to_sign_in().defer("phone").filter(pk=user_id).first()


def _send(template: str, cause: UUID, user: User, *, to: str = "", subject: str = "", **context: Any) -> None:
    """Mails to an unconfirmed address contain no text that the account's holder has chosen."""
    is_confirmed = user.is_verified and to in ("", user.email)
    mails.send_once(
        template=template,
        cause=cause,
        to=to or user.email,
        subject=subject or _SUBJECTS[template].format(product=settings.PRODUCT_NAME),
        context={
            "name": user.name if is_confirmed else "",
            "is_confirmed": is_confirmed,
            "site": settings.PUBLIC_URL,
            **context,
        },
    )


def _link(action: str, token: str) -> str:
    # In the fragment, which browsers send to no server: it appears in no log and no Referer.
    return f"{settings.PUBLIC_URL}/#{action}={token}"
