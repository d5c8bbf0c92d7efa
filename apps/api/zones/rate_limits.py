"""The rate limits of a zone: scopes, keys, and the headers of answers."""

from __future__ import annotations

from functools import lru_cache

from django.http import HttpRequest

from apps.api.zones.table import CountBy, Zone
from apps.common import rate_limits
from apps.common.callers import Caller
from apps.common.exceptions import TooManyRequests
from apps.common.http.client_address import client_address


class ZoneLimits:
    """Counts the calls of one zone. Raises infrastructure's RateSyntaxError for a rate that cannot be read."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        for rates in (zone.rates, zone.refused_rates):
            rate_limits.parse(rates)

    def count_call(self, request: HttpRequest, caller: Caller) -> dict[str, str]:
        """Count an admitted call and return the headers of its answer. Raises TooManyRequests."""
        address = client_address(request)
        by_address = self._zone.rates_by is CountBy.ADDRESS
        key = f"address:{address}" if by_address else caller.throttle_key(address)
        return _count(f"zone:{self._zone.name}", key, self._zone.rates)

    def count_refusal(self, request: HttpRequest) -> dict[str, str]:
        """Count a call without a valid credential against its address and return the headers of its answer.

        Raises TooManyRequests when the address has made too many.
        """
        key = f"address:{client_address(request)}"
        return _count(f"zone:{self._zone.name}:refused", key, self._zone.refused_rates)


def _count(scope: str, key: str, rates: tuple[str, ...]) -> dict[str, str]:
    quota = rate_limits.count(scope=scope, key=key, rates=rates)
    if quota.is_exceeded:
        raise TooManyRequests(quota=quota)
    # The headers name every rate, and what is left of the one that binds tightest.
    return {**rate_limits.headers(quota), "RateLimit-Policy": rate_limits.policies(rates)}


@lru_cache(maxsize=1024)
def limits_of(zone: Zone) -> ZoneLimits:
    """The limits of a zone: its guards and its documentation count together. Raises RateSyntaxError."""
    return ZoneLimits(zone)
