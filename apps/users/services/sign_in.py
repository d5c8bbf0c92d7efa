"""Signing in with a password: one answer and one amount of work, whatever is wrong."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Final

import structlog
from django.conf import settings
from django.contrib.auth.hashers import identify_hasher, is_password_usable, make_password
from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.addresses import network_of
from apps.users import email_addresses, exceptions, limits
from apps.users.models import Session, User
from apps.users.services import sessions
from apps.users.types import AuditAction, Device, TokenPair
from infrastructure import token

_log = structlog.get_logger("security")
_NOBODY: Final = ""


def login(*, email: str, password: str, device: Device, now: datetime | None = None) -> TokenPair:
    """Open a session for who knows the password.

    Raises:
        InvalidCredentials: unknown address, wrong password, inactive account, or (REQUIRE_VERIFIED_EMAIL) an address
            that was not verified: the caller learns that it failed.
        TooManyAttempts, HashingBusy: see there.
    """
    user = check_credentials(email=email, password=password, device=device)
    # A hash with yesterday's parameters is made anew while the password is at hand.
    renewed = make_password(password) if identify_hasher(user.password).must_update(user.password) else None
    with transaction.atomic():
        # Between the check and now the password may have changed or the account may have been switched off, with the
        # sessions that existed then. Whoever changes them holds this row.
        held = User.objects.select_for_update(no_key=True).filter(
            pk=user.pk, is_active=True, password=user.password
        )
        if held.values_list("pk").first() is None:
            raise exceptions.InvalidCredentials
        if renewed is not None:
            User.objects.filter(pk=user.pk).update(password=renewed)
        pair = sessions.open_session(user=user, device=device, now=now or timezone.now())
        audit.record(action=AuditAction.SIGNED_IN, actor_id=user.pk, target="user", target_id=user.pk)
    _log.info("users.signed_in", user_id=str(user.pk))
    return pair


def check_credentials(*, email: str, password: str, device: Device) -> User:
    """The account that may sign in with these. Raises as `login` does."""
    try:
        address = email_addresses.canonical(email)
    except email_addresses.InvalidEmail:
        address = _NOBODY
    limits.count_attempt(
        "login",
        address=device.address,
        account=address or email[: email_addresses.MAX_LENGTH],
        is_known=lambda: _was_here(address, device),
    )
    user = User.objects.defer("phone").filter(email=address).first() if address else None
    encoded = user.password if user is not None and is_password_usable(user.password) else _nobodys_hash()
    is_right = identify_hasher(encoded).verify(password, encoded)
    if (
        user is None
        or not is_right
        or not user.is_active
        or (settings.REQUIRE_VERIFIED_EMAIL and not user.is_verified)
    ):
        user_id = user.pk if user is not None else None
        # One row whatever is wrong: the work is the same.
        audit.record(action=AuditAction.SIGN_IN_REFUSED, actor_id=None, target="user", target_id=user_id)
        _log.info("users.sign_in_refused", user_id=str(user_id or ""))
        raise exceptions.InvalidCredentials
    return user


def _was_here(address: str, device: Device) -> bool:
    """Whether the account was signed in to from this network lately, as far as its sessions are kept."""
    network = network_of(device.address)
    return bool(network and address) and Session.objects.filter(user__email=address, network=network).exists()


def _nobodys_hash() -> str:
    """What is compared where there is no account, or none with a password: as costly as the real thing."""
    return _hash_of_nobody(settings.ARGON2_MEMORY_KIB, settings.ARGON2_TIME, settings.ARGON2_PARALLELISM)


@cache
def _hash_of_nobody(*parameters: int) -> str:
    return make_password(token.new_token())
