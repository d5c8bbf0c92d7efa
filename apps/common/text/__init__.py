"""Rules for texts, by Unicode property: a name is one visible line, and a text has a visible character.

`clean_line` is the rule of names. `http.fields.LineField` applies it to inputs, `validate_line` to model fields, and
`LINE_PATTERN` to columns, as far as a regular expression can.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError

from apps.common.exceptions import InvalidInput
from apps.common.text.confusables import skeleton

__all__ = ["LINE_PATTERN", "InvalidLine", "clean_line", "fit_line", "is_visible", "skeleton", "validate_line"]

# Character classes, in escapes that PostgreSQL and Python share.
# Default_Ignorable_Code_Point (Unicode 17, DerivedCoreProperties.txt), and other invisible characters: the blank Braille
# pattern, the musical null notehead, the object replacement character.
_IGNORABLE: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    r"\u2800\U0001d159\ufffc"
)
_BLANKS: Final = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_CONTROLS: Final = r"\u0001-\u001f\u007f-\u009f\u2028\u2029"
# Joiners of letters and emoji, and variation selectors: invisible alone, and valid after the character that they modify.
_MODIFIERS: Final = r"\u200c\u200d\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"

# For check constraints of PostgreSQL: one line with a character that is not blank.
LINE_PATTERN: Final = f"^[^{_CONTROLS}]*[^{_CONTROLS}{_BLANKS}{_IGNORABLE}][^{_CONTROLS}]*$"


def _members(ranges: str) -> frozenset[str]:
    return frozenset(
        chr(code)
        for first, last in re.findall(r"\\[uU]([0-9a-f]+)(?:-\\[uU]([0-9a-f]+))?", ranges)
        for code in range(int(first, 16), int(last or first, 16) + 1)
    )


_INVISIBLE: Final = _members(_IGNORABLE)
_ALLOWED: Final = _members(_MODIFIERS)
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_SEPARATORS: Final = frozenset({"Cc", "Zl", "Zp"})
# UTS 39, 5.4: no script puts more nonspacing marks on a character; more of them cover the lines around.
_MOST_MARKS: Final = 4
_MARKS: Final = frozenset({"Mn", "Me"})
_VISIBLE: Final = frozenset({"L", "N", "P", "S"})


_DETAILS: Final = {
    "unprintable": "This text contains characters that cannot be shown.",
    "invisible": "This text has no visible character.",
    "stacked": f"This text has more than {_MOST_MARKS} marks on a character.",
}


class InvalidLine(InvalidInput):
    """The text is not one visible line; `reason` is `unprintable`, `invisible` or `stacked`."""

    def __init__(self, reason: str) -> None:
        super().__init__(_DETAILS[reason])
        self.reason = reason


def is_visible(text: str) -> bool:
    """Whether a character of the text is visible. Blanks, combining marks and ignorable characters are not."""
    return any("!" <= char <= "~" or _is_drawn(char) for char in text)


def _is_drawn(char: str) -> bool:
    category = unicodedata.category(char)
    # A device may display private code points, and those of newer Unicode versions.
    return (category[0] in _VISIBLE or category in ("Cn", "Co")) and char not in _INVISIBLE


def clean_line(text: str) -> str:
    """The text in composed form (NFC), trimmed. Raises InvalidLine unless it is one visible line."""
    line = unicodedata.normalize("NFC", text).strip()
    if not all(_is_printable(char) for char in line):
        raise InvalidLine("unprintable")
    if not is_visible(line):
        raise InvalidLine("invisible")
    if _without_stacks(line) != line:
        raise InvalidLine("stacked")
    return line


def fit_line(text: str, length: int) -> str:
    """A valid line made of any text: without invalid characters, cut to `length`; may be empty."""
    chars = (
        char if _is_printable(char) else " " if unicodedata.category(char) in _SEPARATORS else ""
        for char in unicodedata.normalize("NFC", text)
    )
    line = _without_stacks(" ".join("".join(chars).split()))[:length].strip()
    return line if is_visible(line) else ""


def _without_stacks(line: str) -> str:
    """The text in composed form with at most _MOST_MARKS nonspacing marks on each character."""
    if line.isascii():
        return line
    kept, marks = [], 0
    for char in unicodedata.normalize("NFD", line):
        if char not in _ALLOWED:  # neither a mark nor the start of a character
            marks = marks + 1 if unicodedata.category(char) in _MARKS else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def _is_printable(char: str) -> bool:
    if " " <= char <= "~" or char in _ALLOWED:
        return True
    is_known = (
        ord(char) & 0xFFFE != 0xFFFE and not "\ufdd0" <= char <= "\ufdef"
    )  # noncharacters are never valid
    return is_known and unicodedata.category(char) not in _UNPRINTABLE and char not in _INVISIBLE


def validate_line(text: str) -> None:
    """A validator of model fields. Raises ValidationError."""
    try:
        clean_line(text)
    except InvalidLine as error:
        raise ValidationError(error.detail, code=error.reason) from error
