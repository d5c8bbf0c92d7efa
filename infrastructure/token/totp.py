"""One-time codes by time (TOTP, RFC 6238), as authenticator apps make them. What was used already is for callers to keep.

The arithmetic is cryptography's, which is here anyway: django-otp keeps its secrets in clear and its recovery codes as
they are, and pyotp would be one more package for what it takes a call to do.
"""

from __future__ import annotations

import base64
import hmac
import os
from datetime import datetime
from typing import TYPE_CHECKING, Final

from infrastructure import lazy_import

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.twofactor import hotp, totp
else:
    hashes = lazy_import.module("cryptography.hazmat.primitives.hashes")
    hotp = lazy_import.module("cryptography.hazmat.primitives.twofactor.hotp")
    totp = lazy_import.module("cryptography.hazmat.primitives.twofactor.totp")

DIGITS: Final = 6
STEP: Final = 30
"""Seconds that a code is shown for."""
_BYTES: Final = 20  # what RFC 4226, section 4, recommends, and all apps take
# How many steps a clock may be off, either way.
_DRIFT: Final = 1


def new_secret() -> str:
    """160 random bits in base32, as apps let people type them."""
    return base64.b32encode(os.urandom(_BYTES)).decode()


def uri(secret: str, *, account: str, issuer: str) -> str:
    """What the QR code of an enrolment says (`otpauth://totp/…`)."""
    return totp.TOTP(_raw(secret), DIGITS, hashes.SHA1(), STEP).get_provisioning_uri(account, issuer)


def code_of(secret: str, step: int) -> str:
    """The code of a step, which is Unix time divided by STEP."""
    return hotp.HOTP(_raw(secret), DIGITS, hashes.SHA1()).generate(step).decode()


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The step around a moment whose code this is, or None. All candidates are compared, in constant time."""
    now = int(at.timestamp()) // STEP
    found = None
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode("utf-8", "surrogatepass")):
            found = step
    return found


def _raw(secret: str) -> bytes:
    return base64.b32decode(secret)
