"""Replacing outdated password hashes: of other systems, of other parameters, of a password that was not in its canonical form."""

from __future__ import annotations

import structlog
from django.contrib.auth.hashers import make_password

from apps.users import hashers
from apps.users.models import User

_log = structlog.get_logger("security")


def renew(*, user: User, password: str) -> None:
    """Replace the hash that the password was just compared with, if it is outdated. The password stays, and so do sessions.

    `user.password` is the current hash afterwards, unless the account has another password by now. On a busy server the hash
    stays as it is until the next time.
    """
    try:
        if not hashers.is_outdated(password, user.password):
            return
        renewed = make_password(password)
        if User.objects.filter(pk=user.pk, password=user.password).update(password=renewed):
            user.password = renewed
            _log.info("users.password_hash_renewed", user_id=str(user.pk))
            return
        # A concurrent renewal of the same password, or a new password.
        current = User.objects.values_list("password", flat=True).get(pk=user.pk)
        if hashers.verify(password, current):
            user.password = current
    except hashers.HashingBusy:
        _log.info("users.password_hash_kept", user_id=str(user.pk))
