"""The rates of one zone, worked out once: what is counted, under which key, and what its answers say of that.

The counting itself is `infrastructure.cache.ratelimit`, the headers are `apps.common.rate_limits`.
"""

from __future__ import annotations

from functools import lru_cache

from django.http import HttpRequest

from apps.api.zones.table import CountBy, Zone
from apps.common import rate_limits
from apps.common.callers import Caller
from apps.common.exceptions import TooManyRequests
from apps.common.http.client_address import client_address
from apps.common.rate_limits import Quota
from infrastructure.cache.ratelimit import Rate, limiter


class ZoneLimits:
    """Counts the calls of one zone. Raises infrastructure's RateSyntaxError for a rate that cannot be read."""

    def __init__(self, zone: Zone) -> None:
        self._by_address = zone.rates_by is CountBy.ADDRESS
        self._calls = _Policy(f"zone:{zone.name}", zone.rates)
        self._refusals = _Policy(f"zone:{zone.name}:refused", zone.refused_rates)

    def count_call(self, request: HttpRequest, caller: Caller) -> dict[str, str]:
        """Count an admitted call and return the headers of its answer. Raises TooManyRequests."""
        address = client_address(request)
        return self._calls.count(f"address:{address}" if self._by_address else caller.throttle_key(address))

    def count_refusal(self, request: HttpRequest) -> dict[str, str]:
        """Count a call without a valid credential against its address and return the headers of its answer.

        Raises TooManyRequests when the address has made too many.
        """
        return self._refusals.count(f"address:{client_address(request)}")


class _Policy:
    """Some rates that count together."""

    def __init__(self, scope: str, texts: tuple[str, ...]) -> None:
        self._scope = scope
        self._rates = tuple(Rate.parse(text) for text in texts)
        # All of them are told at each call, the state of the one that binds tightest.
        self._header = ", ".join(
            Quota(
                name=_name(rate.limit, rate.period),
                limit=rate.limit,
                period=rate.period,
                remaining=0,
                reset_after=0,
            ).policy
            for rate in self._rates
        )

    def count(self, key: str) -> dict[str, str]:
        verdict = limiter.hit(scope=self._scope, key=key, rates=self._rates)
        quota = Quota(
            name=_name(verdict.limit, verdict.period),
            limit=verdict.limit,
            period=verdict.period,
            remaining=verdict.remaining,
            reset_after=verdict.reset_after,
        )
        if not verdict.allowed:
            raise TooManyRequests(retry_after=verdict.retry_after, quota=quota)
        return {**rate_limits.headers([quota]), "RateLimit-Policy": self._header}


def _name(limit: int, period: int) -> str:
    return f"{limit}-per-{period}s"


@lru_cache(maxsize=1024)
def limits_of(zone: Zone) -> ZoneLimits:
    """Those of a zone: its guards and its documentation count together. Raises RateSyntaxError."""
    return ZoneLimits(zone)
