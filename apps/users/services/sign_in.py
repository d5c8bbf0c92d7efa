"""Signing in with a password: one answer and one cost for every failure; then the second factor, if any."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.common import audit
from apps.common.database.ids import uuid7
from apps.users import email_addresses, exceptions, hashers, limits, selectors
from apps.users.models import Purpose, User
from apps.users.services import erasure, hash_renewal, one_time, second_factor, sessions
from apps.users.types import AuditAction, Challenge, Device, TokenPair

_log = structlog.get_logger("security")
_NO_HASH: Final = ""


def login(*, email: str, password: str, device: Device, now: datetime | None = None) -> TokenPair | Challenge:
    """Open a session; where a second factor is required, return only a challenge for `complete_login`.

    Raises:
        InvalidCredentials: unknown address, wrong password, inactive account, or (REQUIRE_VERIFIED_EMAIL) an unverified
            address: the caller learns only that it failed.
        TooManyAttempts, HashingBusy: see there.
    """
    user = check_credentials(email=email, password=password, device=device)
    with transaction.atomic():
        # Since the check the password may have changed or the account may have been deactivated, with the
        # sessions that existed then. Both changes lock this row.
        held = _hold(User.objects.able_to_sign_in().filter(pk=user.pk, password=user.password))
        if held is None:
            raise exceptions.InvalidCredentials
        return admit(user=held, device=device, now=now or timezone.now(), by="password")


def complete_login(*, challenge: str, code: str, device: Device, now: datetime | None = None) -> TokenPair:
    """Open the session of a pending sign-in by its second factor. A challenge opens one session.

    Raises:
        ChallengeRefused: it is unknown, expired, used, or of an account whose password has changed since.
        SecondFactorRefused: the code is wrong or was used before; the challenge stays valid.
        TooManyAttempts: see there.
    """
    now = now or timezone.now()
    try:
        user_id = one_time.find(token=challenge, purpose=Purpose.SECOND_FACTOR, now=now)
        user = User.objects.defer("phone").get(pk=user_id)
        method = second_factor.check_second_factor(user=user, code=code, device=device, now=now)
        with transaction.atomic():
            held = _hold(User.objects.able_to_sign_in().filter(pk=user_id))
            one_time.redeem(token=challenge, purpose=Purpose.SECOND_FACTOR, now=now)
            if held is None:
                raise exceptions.ChallengeRefused
            return _open(user=held, device=device, now=now, by=method)
    except (exceptions.OneTimeTokenRefused, exceptions.SecondFactorMissing):
        raise exceptions.ChallengeRefused from None
    except exceptions.WrongCode:
        raise exceptions.SecondFactorRefused from None


def admit(*, user: User, device: Device, now: datetime, by: str) -> TokenPair | Challenge:
    """The result for a user who has passed the first factor. Runs in the caller's transaction, which has locked the row."""
    if user.second_factor_at is None:
        return _open(user=user, device=device, now=now, by=by)
    lifetime = settings.SECOND_FACTOR_LIFETIME
    plain = one_time.issue(
        user=user, purpose=Purpose.SECOND_FACTOR, request_id=uuid7(), lifetime=lifetime, now=now
    )
    return Challenge(challenge=str(plain), expires_in=int(lifetime.total_seconds()))


def _open(*, user: User, device: Device, now: datetime, by: str) -> TokenPair:
    if user.erase_at is not None:
        erasure.cancel(user=user, now=now)
    pair = sessions.open_session(user=user, device=device, now=now)
    audit.record(
        action=AuditAction.SIGNED_IN,
        actor_id=user.pk,
        target="user",
        target_id=user.pk,
        details={"by": by},
    )
    _log.info("users.signed_in", user_id=str(user.pk), by=by)
    return pair


def _hold(accounts: QuerySet[User]) -> User | None:
    """The account, its row locked until the commit."""
    return accounts.select_for_update(no_key=True).defer("phone").first()


def check_credentials(*, email: str, password: str, device: Device) -> User:
    """The account that may sign in with these; an outdated hash of its password is renewed. Raises as `login` does."""
    try:
        address = email_addresses.canonical(email)
    except email_addresses.InvalidEmail:
        address = ""
    limits.count_attempt(
        "login",
        address=device.address,
        account=address or email[: email_addresses.MAX_LENGTH],
        is_known=lambda: selectors.was_signed_in_from(email=address, address=device.address),
    )
    user = User.objects.defer("phone").filter(email=address).first() if address else None
    is_right = hashers.verify(password, _NO_HASH if user is None else user.password)
    if (
        user is None
        or not is_right
        or not user.can_sign_in
        or (settings.REQUIRE_VERIFIED_EMAIL and not user.is_verified)
    ):
        user_id = user.pk if user is not None else None
        # One row for every failure: the cost is the same.
        audit.record(action=AuditAction.SIGN_IN_REFUSED, actor_id=None, target="user", target_id=user_id)
        _log.info("users.sign_in_refused", user_id=str(user_id or ""))
        raise exceptions.InvalidCredentials
    hash_renewal.renew(user=user, password=password)
    return user
