"""How often may be tried what can be guessed or made a nuisance of: by address, by account, and by the pair of both.

Every attempt counts, successful or not. The windows slide, so no account is ever locked for good; and an account that
somebody hammers from elsewhere stays open to the networks that its owner signed in from lately.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import structlog
from django.conf import settings

from apps.common.rate_limits import Quota
from apps.users import exceptions
from infrastructure.cache.ratelimit import Rate, limiter

Action = Literal["login", "second_factor", "reset", "resend", "email", "oidc", "export", "register", "site"]
_log = structlog.get_logger("security")


def count_attempt(
    action: Action, *, address: str, account: str = "", is_known: Callable[[], bool] = lambda: False
) -> None:
    """Count one attempt from an address at an account (its canonical e-mail address, of nobody perhaps).

    Args:
        is_known: Asked only when the account's own limit is used up: whether this address is exempt from it.

    Raises:
        TooManyAttempts: the attempt has to be refused before any costly or telling work is done for it.
    """
    rates = settings.IDENTITY_LIMITS[action]
    address = address or "unknown"
    digest = _digest(account)
    keys = {"address": address, "pair": f"{digest}:{address}", "account": digest}
    for counted, key in keys.items():
        if counted not in rates or (counted != "address" and not account):
            continue
        verdict = limiter.hit(scope=f"{action}:{counted}", key=key, rates=_parsed(tuple(rates[counted])))
        if not verdict.allowed and not (counted == "account" and is_known()):
            _log.warning("users.limit_reached", action=action, counted=counted)
            quota = Quota(
                name=f"{action}-by-{counted}",
                limit=verdict.limit,
                period=verdict.period,
                remaining=verdict.remaining,
                reset_after=verdict.reset_after,
            )
            raise exceptions.TooManyAttempts(retry_after=verdict.retry_after, quota=quota)


@lru_cache(maxsize=64)
def _parsed(texts: tuple[str, ...]) -> tuple[Rate, ...]:
    return tuple(Rate.parse(text) for text in texts)


def _digest(account: str) -> str:
    """Addresses of people do not belong into Redis; a keyed digest tells them apart as well."""
    return hmac.new(settings.SECRET_KEY.encode(), account.encode(), hashlib.sha256).hexdigest()[:32]
