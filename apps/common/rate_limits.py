"""What a limit has left at one moment, and the headers that say so (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`limit` calls in `period` seconds, of which `remaining` are left; some more come free in `reset_after` seconds."""

    name: str
    limit: int
    period: int
    remaining: int
    reset_after: int

    @property
    def policy(self) -> str:
        """Its item of `RateLimit-Policy`."""
        return f'"{self.name}";q={self.limit};w={self.period}'

    @property
    def state(self) -> str:
        """Its item of `RateLimit`."""
        return f'"{self.name}";r={self.remaining};t={self.reset_after}'


def headers(quotas: Sequence[Quota]) -> dict[str, str]:
    """Both headers; none for no quota."""
    if not quotas:
        return {}
    return {
        "RateLimit-Policy": ", ".join(quota.policy for quota in quotas),
        "RateLimit": ", ".join(quota.state for quota in quotas),
    }
