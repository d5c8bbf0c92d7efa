"""The notation of a rate: `60/minute`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

PERIODS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"([1-9]\d{0,8})/(?:([1-9]\d{0,3}) ?)?(second|minute|hour|day)s?", re.ASCII)


class RateSyntaxError(ValueError):
    """A rate is not written like `60/minute`."""


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """`limit` calls in `period` seconds."""

    limit: int
    period: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """`"60/minute"`, `"5/10 minutes"`, `"1000/day"`. Raises RateSyntaxError."""
        match = _RATE.fullmatch(text.strip())
        if match is None:
            raise RateSyntaxError(f"{text!r} is not a rate: write it like 60/minute or 5/10 minutes.")
        return cls(limit=int(match[1]), period=int(match[2] or 1) * PERIODS[match[3]])

    def __str__(self) -> str:
        for name, seconds in reversed(PERIODS.items()):
            if self.period % seconds == 0:
                count = self.period // seconds
                return f"{self.limit}/{name}" if count == 1 else f"{self.limit}/{count} {name}s"
        raise AssertionError("a period is whole seconds")
