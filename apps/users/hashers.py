"""Argon2id (RFC 9106) with the parameters of the settings, hashes of other systems, and a bound on concurrent hashes."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar, Final

import bcrypt
from argon2 import PasswordHasher as Argon2
from argon2.exceptions import VerificationError, VerifyMismatchError
from django.conf import settings
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BasePasswordHasher,
    BCryptPasswordHasher,
    BCryptSHA256PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
    identify_hasher,
    make_password,
)

from apps.common.exceptions import Unavailable
from infrastructure import token

_PATIENCE: Final = 5.0


class HashingBusy(Unavailable):
    """Too many passwords are being checked to wait for a free slot."""

    code = "sign_in_busy"
    detail = "Many users are signing in right now. Try again in a moment."


@cache
def _slots(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


@contextmanager
def hashing_slot(*, patience: float = _PATIENCE) -> Iterator[None]:
    """Wait for one of ARGON2_CONCURRENCY slots. Each hash holds its memory while it runs, so a flood of sign-ins
    queues up here instead of exhausting the memory.

    Raises:
        HashingBusy: when none became free within `patience` seconds.
    """
    slots = _slots(settings.ARGON2_CONCURRENCY)
    if not slots.acquire(timeout=patience):
        raise HashingBusy(retry_after=2)
    try:
        yield
    finally:
        slots.release()


def opaque(password: Any) -> Any:
    """The canonical form of a password: other blanks as spaces, composed (RFC 8265, OpaqueString, 4.2.2).

    Nothing is trimmed, folded or refused. Bytes are returned unchanged.
    """
    if not isinstance(password, str) or password.isascii():
        return password
    spaced = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password)
    return unicodedata.normalize("NFC", spaced)


class _Bounded(BasePasswordHasher):
    """A hasher that reads hashes of one form only, and takes a slot for each comparison."""

    # Hashes that it can read. The bounds on the cost keep one bad row from occupying a slot for minutes.
    form: ClassVar[re.Pattern[str]]

    def verify(self, password: Any, encoded: str) -> bool:
        """Whether the password matches, in its canonical form or as it was typed. Raises HashingBusy."""
        form = opaque(password)
        return self._matches(form, encoded) or (form != password and self._matches(password, encoded))

    def _matches(self, password: Any, encoded: str) -> bool:
        with hashing_slot():
            return super().verify(password, encoded)


class Argon2idHasher(_Bounded, Argon2PasswordHasher):
    """Django's hasher with parameters from ARGON2_MEMORY_KIB, ARGON2_TIME and ARGON2_PARALLELISM."""

    form = re.compile(
        r"argon2\$argon2(?:id|i|d)(?:\$v=\d\d)?\$m=\d{1,7},t=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
    )

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
        with hashing_slot():
            return super().encode(opaque(password), salt)

    def is_outdated(self, password: str, encoded: str) -> bool:
        """Whether a verified hash has other parameters, or was made of the password as it was typed."""
        form = opaque(password)
        return self.must_update(encoded) or (form != password and not self._matches(form, encoded))

    def _matches(self, password: Any, encoded: str) -> bool:
        # Django's answer is False for an unreadable hash as well, at no cost.
        with hashing_slot():
            try:
                return Argon2().verify(encoded.removeprefix("argon2"), password)
            except VerifyMismatchError:
                return False
            except VerificationError as error:
                raise ValueError("the hash is unreadable") from error


class BcryptHasher(_Bounded, BCryptPasswordHasher):
    """Reads bcrypt. Like the systems that made these hashes, it compares the first 72 bytes of a password."""

    form = re.compile(r"bcrypt\$\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")

    def _matches(self, password: Any, encoded: str) -> bool:
        with hashing_slot():
            return bcrypt.checkpw(password.encode()[:72], encoded.removeprefix("bcrypt$").encode())


class BcryptSha256Hasher(_Bounded, BCryptSHA256PasswordHasher):
    form = re.compile(r"bcrypt_sha256\$\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")


class Pbkdf2Hasher(_Bounded, PBKDF2PasswordHasher):
    form = re.compile(r"pbkdf2_sha256\$[1-9]\d{0,6}\$[^$]+\$[A-Za-z0-9+/]{43}=")


class Pbkdf2Sha1Hasher(_Bounded, PBKDF2SHA1PasswordHasher):
    form = re.compile(r"pbkdf2_sha1\$[1-9]\d{0,6}\$[^$]+\$[A-Za-z0-9+/]{27}=")


class ScryptHasher(_Bounded, ScryptPasswordHasher):
    form = re.compile(r"scrypt\$[1-9]\d{0,6}\$[^$]+\$\d{1,2}\$\d{1,2}\$[A-Za-z0-9+/]{86}==")


def verify(password: str, encoded: str) -> bool:
    """Whether the password matches a stored hash.

    Nothing matches a hash that is unreadable, unusable or empty, and it costs one hash of the settings' parameters.

    Raises HashingBusy.
    """
    dummy = _dummy_hash()  # always, since the first call of a process takes the time of a hash
    try:
        hasher, named = read(encoded)
        return hasher.verify(password, named)
    except ValueError:
        hasher, named = read(dummy)
        hasher.verify(password, named)
        return False


def is_outdated(password: str, encoded: str) -> bool:
    """Whether a hash that the password matches should be replaced by one of the settings' parameters. Raises HashingBusy."""
    hasher, named = read(encoded)
    return named != encoded or not isinstance(hasher, Argon2idHasher) or hasher.is_outdated(password, named)


def read(encoded: str) -> tuple[BasePasswordHasher, str]:
    """The hasher of a stored hash, and the hash in Django's spelling, which begins with the algorithm.

    Raises ValueError when no hasher of PASSWORD_HASHERS can read it.
    """
    named = encoded
    if encoded.startswith("$2"):
        named = f"{BcryptHasher.algorithm}${encoded}"
    elif encoded.startswith("$argon2"):
        named = f"{Argon2idHasher.algorithm}{encoded}"
    hasher = identify_hasher(named)
    if isinstance(hasher, _Bounded) and not hasher.form.fullmatch(named):
        raise ValueError("the hash is malformed")
    return hasher, named


def _dummy_hash() -> str:
    """A hash that no password matches, with the parameters of the settings."""
    return _cached_dummy_hash(settings.ARGON2_MEMORY_KIB, settings.ARGON2_TIME, settings.ARGON2_PARALLELISM)


@cache
def _cached_dummy_hash(*parameters: int) -> str:
    return make_password(token.new_token())
