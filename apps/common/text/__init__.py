"""What a text may hold, by Unicode property: names are one visible line, and no text consists of nothing visible.

`clean_line` is the rule of every name; inputs apply it as `http.fields.LineField`, models as the validator
`validate_line`, and the database holds what a regular expression can hold of it (`LINE_PATTERN`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError

from apps.common.exceptions import InvalidInput
from apps.common.text.confusables import skeleton

__all__ = ["LINE_PATTERN", "InvalidLine", "clean_line", "fit_line", "is_visible", "skeleton", "validate_line"]

# Classes of characters in the escapes that PostgreSQL and Python share.
# Default_Ignorable_Code_Point (Unicode 17, DerivedCoreProperties.txt), and what is drawn as nothing without being in it:
# the empty Braille pattern, the musical null notehead, the object replacement character.
_IGNORABLE: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    r"\u2800\U0001d159\ufffc"
)
_BLANKS: Final = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_CONTROLS: Final = r"\u0001-\u001f\u007f-\u009f\u2028\u2029"
# Joiners of letters and emoji, and variation selectors: nothing by themselves, and needed behind what they change.
_MODIFIERS: Final = r"\u200c\u200d\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"

# For check constraints of PostgreSQL: one line, and something in it that is not blank.
LINE_PATTERN: Final = f"^[^{_CONTROLS}]*[^{_CONTROLS}{_BLANKS}{_IGNORABLE}][^{_CONTROLS}]*$"


def _members(ranges: str) -> frozenset[str]:
    """The characters of such a class."""
    return frozenset(
        chr(code)
        for first, last in re.findall(r"\\[uU]([0-9a-f]+)(?:-\\[uU]([0-9a-f]+))?", ranges)
        for code in range(int(first, 16), int(last or first, 16) + 1)
    )


_INVISIBLE: Final = _members(_IGNORABLE)
_ALLOWED: Final = _members(_MODIFIERS)
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_SEPARATORS: Final = frozenset({"Cc", "Zl", "Zp"})
_VISIBLE: Final = frozenset({"L", "N", "P", "S"})


class InvalidLine(InvalidInput):
    """Not one visible line; `reason` is `unprintable` or `invisible`."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "This text contains characters that cannot be shown."
            if reason == "unprintable"
            else "This text has nothing that can be seen."
        )
        self.reason = reason


def is_visible(text: str) -> bool:
    """Whether something of the text is drawn. Blanks, marks without a letter and ignorable characters are not."""
    return any("!" <= sign <= "~" or _is_drawn(sign) for sign in text)


def _is_drawn(sign: str) -> bool:
    category = unicodedata.category(sign)
    # Of code points that this Python does not know yet, and of private ones, a device may know more.
    return (category[0] in _VISIBLE or category in ("Cn", "Co")) and sign not in _INVISIBLE


def clean_line(text: str) -> str:
    """The text in composed form (NFC) without blanks around it. Raises InvalidLine for what is not one visible line."""
    line = unicodedata.normalize("NFC", text).strip()
    if not all(_is_printable(sign) for sign in line):
        raise InvalidLine("unprintable")
    if not is_visible(line):
        raise InvalidLine("invisible")
    return line


def fit_line(text: str, length: int) -> str:
    """The same of a text that nobody can be asked to correct: without what it may not hold, cut; empty if nothing is left."""
    signs = (
        sign if _is_printable(sign) else " " if unicodedata.category(sign) in _SEPARATORS else ""
        for sign in unicodedata.normalize("NFC", text)
    )
    line = " ".join("".join(signs).split())[:length].strip()
    return line if is_visible(line) else ""


def _is_printable(sign: str) -> bool:
    if " " <= sign <= "~" or sign in _ALLOWED:
        return True
    is_known = ord(sign) & 0xFFFE != 0xFFFE and not "\ufdd0" <= sign <= "\ufdef"  # which no text may hold
    return is_known and unicodedata.category(sign) not in _UNPRINTABLE and sign not in _INVISIBLE


def validate_line(text: str) -> None:
    """Validates a field of a model, in forms and `full_clean`. Raises ValidationError."""
    try:
        clean_line(text)
    except InvalidLine as error:
        raise ValidationError(error.detail, code=error.reason) from error
