"""Argon2id (RFC 9106) with the parameters of the settings, and a bound on how many hashes are computed at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from apps.common.exceptions import Unavailable

_PATIENCE: Final = 5.0


class HashingBusy(Unavailable):
    """So many passwords are being checked that this one would have to wait for too long."""

    code = "sign_in_busy"
    detail = "Many people are signing in right now. Try again in a moment."


@cache
def _places(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


@contextmanager
def place(*, patience: float = _PATIENCE) -> Iterator[None]:
    """One of ARGON2_CONCURRENCY places to hash in. Each hash holds its memory while it runs, so a flood of sign-ins
    queues up here instead of filling the memory.

    Raises:
        HashingBusy: when none became free within `patience` seconds.
    """
    places = _places(settings.ARGON2_CONCURRENCY)
    if not places.acquire(timeout=patience):
        raise HashingBusy(retry_after=2)
    try:
        yield
    finally:
        places.release()


class Argon2idHasher(Argon2PasswordHasher):
    """Django's hasher with parameters from ARGON2_MEMORY_KIB, ARGON2_TIME and ARGON2_PARALLELISM.

    A hash with other parameters still verifies, and is made anew at the next sign-in.
    """

    @property
    def memory_cost(self) -> int:  # type: ignore[override]  # a class attribute there
        """KiB of memory for one hash."""
        return int(settings.ARGON2_MEMORY_KIB)

    @property
    def time_cost(self) -> int:  # type: ignore[override]
        """Passes over the memory."""
        return int(settings.ARGON2_TIME)

    @property
    def parallelism(self) -> int:  # type: ignore[override]
        """Lanes."""
        return int(settings.ARGON2_PARALLELISM)

    def encode(self, password: Any, salt: str) -> str:
        """A new hash. Raises HashingBusy."""
        with place():
            return super().encode(password, salt)

    def verify(self, password: Any, encoded: str) -> bool:
        """Whether the password is the one. Raises HashingBusy."""
        with place():
            return super().verify(password, encoded)
