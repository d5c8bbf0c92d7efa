"""Limits on attempts that can guess a secret or annoy a user: by address, by account, and by the pair of both.

Every attempt counts, successful or not. The windows slide, so no account is ever locked permanently. An account under
attack from elsewhere stays open to the networks from which its user has signed in lately.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Literal

import structlog
from django.conf import settings

from apps.common import rate_limits
from apps.users import exceptions

Action = Literal["login", "second_factor", "reset", "resend", "email", "oidc", "export", "register", "site"]
_log = structlog.get_logger("security")


def count_attempt(
    action: Action, *, address: str, account: str = "", is_known: Callable[[], bool] = lambda: False
) -> None:
    """Count one attempt from an address at an account (its canonical e-mail address, whether it exists or not).

    Args:
        is_known: Called only when the account's own limit is used up: whether this address is exempt from it.

    Raises:
        TooManyAttempts: refuse the attempt before it costs or reveals anything.
    """
    rates = settings.IDENTITY_LIMITS[action]
    address = address or "unknown"
    digest = _digest(account)
    keys = {"address": address, "pair": f"{digest}:{address}", "account": digest}
    for counted, key in keys.items():
        if counted not in rates or (counted != "address" and not account):
            continue
        quota = rate_limits.count(
            scope=f"{action}:{counted}", key=key, rates=rates[counted], name=f"{action}-by-{counted}"
        )
        if quota.is_exceeded and not (counted == "account" and is_known()):
            _log.warning("users.limit_reached", action=action, counted=counted)
            raise exceptions.TooManyAttempts(quota=quota)


def _digest(account: str) -> str:
    """A keyed digest: e-mail addresses are not stored in Redis."""
    return hmac.new(settings.SECRET_KEY.encode(), account.encode(), hashlib.sha256).hexdigest()[:32]
