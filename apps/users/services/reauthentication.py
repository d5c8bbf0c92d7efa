"""Reauthentication before actions that a stolen session must not be able to take."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.contrib.auth.hashers import is_password_usable

from apps.common.callers import Caller
from apps.users import exceptions, hashers, limits
from apps.users.models import Session, User
from apps.users.services import hash_renewal
from apps.users.types import Device

# Accounts without a password, which sign in with a provider, need a sign-in as recent as this instead.
FRESH: Final = timedelta(minutes=10)
_log = structlog.get_logger("security")


def require_password(*, actor: Caller, password: str, device: Device) -> str:
    """Return the account's hash of the password, renewed if it was outdated. Attempts count like those to sign in.

    Raises WrongPassword, TooManyAttempts, HashingBusy.
    """
    user: User = actor.user
    limits.count_attempt("login", address=device.address, account=user.email, is_known=lambda: True)
    if not hashers.verify(password, user.password):
        _log.info("users.password_refused", user_id=str(user.pk))
        raise exceptions.WrongPassword
    hash_renewal.renew(user=user, password=password)
    return user.password


def require_owner(*, actor: Caller, password: str, device: Device, now: datetime) -> None:
    """The same, also for accounts without a password. Raises SignInStale, and as `require_password` does."""
    user: User = actor.user
    if is_password_usable(user.password):
        require_password(actor=actor, password=password, device=device)
    elif (
        actor.session_id is None
        or not Session.objects.live(now).filter(pk=actor.session_id, created_at__gt=now - FRESH).exists()
    ):
        raise exceptions.SignInStale
