"""The canonical form of phone numbers."""

from __future__ import annotations

import re
from typing import Final

_DECORATION: Final = re.compile(r"[^0-9+]")


def canonical(text: str) -> str:
    """Digits, with the plus of an international number; a leading `00` is that plus (ITU-T E.123)."""
    digits = _DECORATION.sub("", text)
    return f"+{digits[2:]}" if digits.startswith("00") else digits
