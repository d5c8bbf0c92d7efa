"""Counts calls against rates from settings (`60/minute`), with `infrastructure.cache.ratelimit`; renders the headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

from infrastructure.cache.ratelimit import Verdict, limiter
from infrastructure.cache.rates import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota(Verdict):
    """The rate that has the fewest calls left, with its name in headers."""

    name: str

    @property
    def is_exceeded(self) -> bool:
        return not self.allowed


_FIELDS: Final = fields(Verdict)


@lru_cache(maxsize=256)
def parse(texts: tuple[str, ...]) -> tuple[Rate, ...]:
    """Raises RateSyntaxError."""
    return tuple(Rate.parse(text) for text in texts)


def count(*, scope: str, key: str, rates: Sequence[str], name: str = "") -> Quota:
    """Count a call by `key` against every rate. A refused call counts against none of them.

    `name` is the name of the quota in headers; by default that of the rate, such as `60-per-60s`.
    """
    verdict = limiter.hit(scope=scope, key=key, rates=parse(tuple(rates)))
    values = {field.name: getattr(verdict, field.name) for field in _FIELDS}  # faster than asdict
    return Quota(name=name or _name(verdict.limit, verdict.period), **values)


def headers(quota: Quota) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""
    return {
        "RateLimit-Policy": _policy(quota.name, quota.limit, quota.period),
        "RateLimit": f'"{quota.name}";r={quota.remaining};t={quota.reset_after}',
    }


@lru_cache(maxsize=256)
def policies(texts: tuple[str, ...]) -> str:
    """The `RateLimit-Policy` of several rates. Raises RateSyntaxError."""
    return ", ".join(
        _policy(_name(rate.limit, rate.period), rate.limit, rate.period) for rate in parse(texts)
    )


def _policy(name: str, limit: int, period: int) -> str:
    return f'"{name}";q={limit};w={period}'


def _name(limit: int, period: int) -> str:
    return f"{limit}-per-{period}s"
