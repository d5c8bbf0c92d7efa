"""Argon2id (RFC 9106) with the parameters of the settings, and a bound on concurrent hashes."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from apps.common.exceptions import Unavailable

_PATIENCE: Final = 5.0


class HashingBusy(Unavailable):
    """Too many passwords are being checked to wait for a free slot."""

    code = "sign_in_busy"
    detail = "Many users are signing in right now. Try again in a moment."


@cache
def _places(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


@contextmanager
def place(*, patience: float = _PATIENCE) -> Iterator[None]:
    """Wait for one of ARGON2_CONCURRENCY slots. Each hash holds its memory while it runs, so a flood of sign-ins
    queues up here instead of exhausting the memory.

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


def opaque(password: Any) -> Any:
    """The canonical form of a password: other blanks as spaces, composed (RFC 8265, OpaqueString, 4.2.2).

    Nothing is trimmed, folded or refused. Bytes are returned unchanged.
    """
    if not isinstance(password, str) or password.isascii():
        return password
    spaced = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password)
    return unicodedata.normalize("NFC", spaced)


class Argon2idHasher(Argon2PasswordHasher):
    """Django's hasher with parameters from ARGON2_MEMORY_KIB, ARGON2_TIME and ARGON2_PARALLELISM.

    A hash with other parameters, or of a password that was not in its canonical form, still verifies, and is renewed at the
    next sign-in.
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
        """Hash the password's canonical form. Raises HashingBusy."""
        with place():
            return super().encode(opaque(password), salt)

    def verify(self, password: Any, encoded: str) -> bool:
        """Whether the password matches, in its canonical form or as it was typed. Raises HashingBusy."""
        form = opaque(password)
        return self._verify(form, encoded) or (form != password and self._verify(password, encoded))

    def is_outdated(self, password: str, encoded: str) -> bool:
        """Whether a verified hash has other parameters, or was made of the password as it was typed."""
        form = opaque(password)
        return self.must_update(encoded) or (form != password and not self._verify(form, encoded))

    def _verify(self, password: Any, encoded: str) -> bool:
        with place():
            return super().verify(password, encoded)
