"""Time-based one-time codes (TOTP, RFC 6238) of authenticator apps. Callers remember used ones."""

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
# The number of steps that a clock may be off, either way.
_DRIFT: Final = 1


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226, section 4, recommends."""
    return pyotp.random_base32()


def uri(secret: str, *, account: str, issuer: str) -> str:
    """The content of an enrolment's QR code (`otpauth://totp/…`)."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def qr_code(text: str) -> str:
    """An SVG document without a size, dark on white, with its quiet zone."""
    out = io.BytesIO()
    segno.make_qr(text).save(out, kind="svg", light="#fff", xmldecl=False, omitsize=True)
    return out.getvalue().decode()


def code_of(secret: str, step: int) -> str:
    """The code of a step, which is Unix time divided by STEP."""
    return pyotp.TOTP(secret).generate_otp(step)


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The step around a moment that has this code, or None."""
    if not code.isascii():  # pyotp cannot compare a lone surrogate
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=at, valid_window=_DRIFT)
    except pyotp.OTPVerificationError:
        return None
