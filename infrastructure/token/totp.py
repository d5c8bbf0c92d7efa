"""One-time codes by time (TOTP, RFC 6238), as authenticator apps make them. Callers remember which were used."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING, Final

from infrastructure import lazy_import

if TYPE_CHECKING:
    import pyotp
    import segno
else:
    pyotp = lazy_import.module("pyotp")
    segno = lazy_import.module("segno")

DIGITS: Final = 6
STEP: Final = 30
"""Seconds that a code is shown for."""
# How many steps a clock may be off, either way.
_DRIFT: Final = 1


def new_secret() -> str:
    """160 random bits in base32: what RFC 4226, section 4, recommends, and all apps take."""
    return pyotp.random_base32()


def uri(secret: str, *, account: str, issuer: str) -> str:
    """What the QR code of an enrolment says (`otpauth://totp/…`)."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def qr_code(text: str) -> str:
    """Returns the QR code of a text as an SVG document without a size, dark on white, with its quiet zone."""
    out = io.BytesIO()
    segno.make_qr(text).save(out, kind="svg", light="#fff", xmldecl=False, omitsize=True)
    return out.getvalue().decode()


def code_of(secret: str, step: int) -> str:
    """The code of a step, which is Unix time divided by STEP."""
    return pyotp.TOTP(secret).generate_otp(step)


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The step around a moment whose code this is, or None."""
    if not code.isascii():  # pyotp cannot compare half a surrogate pair
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=at, valid_window=_DRIFT)
    except pyotp.OTPVerificationError:
        return None
