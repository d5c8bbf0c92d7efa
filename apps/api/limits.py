"""The rates of one zone, worked out once: what is counted, under which key, and the headers that say so.

The counting itself is `infrastructure.cache.ratelimit`. Headers follow draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

from django.http import HttpRequest

from apps.api.zones import CountBy, Zone
from apps.common.addresses import client_address
from apps.common.callers import Caller
from apps.common.exceptions import TooManyRequests
from infrastructure.cache.ratelimit import Rate, Verdict, limiter


class Throttled(TooManyRequests):
    """The zone's rate is used up. `headers` belong on the answer."""

    def __init__(self, *, retry_after: int, headers: dict[str, str]) -> None:
        super().__init__(retry_after=retry_after)
        self.headers = headers


class ZoneLimits:
    """Counts the calls of one zone. Raises infrastructure's RateSyntaxError for a rate that cannot be read."""

    def __init__(self, zone: Zone) -> None:
        self._by_address = zone.rates_by is CountBy.ADDRESS
        self._scope = f"zone:{zone.name}"
        self._refused_scope = f"zone:{zone.name}:refused"
        self._rates = tuple(Rate.parse(text) for text in zone.rates)
        self._refused_rates = tuple(Rate.parse(text) for text in zone.refused_rates)
        self._policies = _policies(self._rates)
        self._refused_policies = _policies(self._refused_rates)

    def count_call(self, request: HttpRequest, caller: Caller) -> dict[str, str]:
        """Count an admitted call and return the headers of its answer. Raises Throttled."""
        address = client_address(request)
        key = f"address:{address}" if self._by_address else caller.throttle_key(address)
        verdict = limiter.hit(scope=self._scope, key=key, rates=self._rates)
        return _headers(verdict, self._policies)

    def count_refusal(self, request: HttpRequest) -> None:
        """Count a call without a valid credential against its address. Raises Throttled when it has made too many."""
        key = f"address:{client_address(request)}"
        verdict = limiter.hit(scope=self._refused_scope, key=key, rates=self._refused_rates)
        if not verdict.allowed:
            _headers(verdict, self._refused_policies)


def _policies(rates: tuple[Rate, ...]) -> tuple[str, dict[int, str]]:
    """The RateLimit-Policy header, and the policy's name by its limit."""
    names = {rate.limit: f'"{rate.limit}-per-{rate.period}s"' for rate in rates}
    return ", ".join(f"{names[rate.limit]};q={rate.limit};w={rate.period}" for rate in rates), names


def _headers(verdict: Verdict, policies: tuple[str, dict[int, str]]) -> dict[str, str]:
    policy, names = policies
    headers = {
        "RateLimit-Policy": policy,
        "RateLimit": f"{names[verdict.limit]};r={verdict.remaining};t={verdict.reset_after}",
    }
    if not verdict.allowed:
        raise Throttled(retry_after=verdict.retry_after, headers=headers)
    return headers
