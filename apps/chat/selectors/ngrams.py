"""Search of text in scripts without spaces between words, which PostgreSQL does not split into words.

The index holds each pair of adjacent characters of such a run with its position (`chat_ngrams` in the database, created by
`migrations/0008_search_and_unread.py`). A run of characters is found anywhere by searching for the phrase of its pairs.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Thai, Lao, Tibetan, Burmese, Hangul, Khmer, Han with its radicals and signs, Kana, Bopomofo, Yi.
_SCRIPTS: Final = (
    (0x0E00, 0x0FFF),
    (0x1000, 0x109F),
    (0x1100, 0x11FF),
    (0x1780, 0x17FF),
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3031, 0x318F),
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0xA4CF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
UNSPACED: Final = "".join(f"{chr(first)}-{chr(last)}" for first, last in _SCRIPTS)
"""A character class of regular expressions, without brackets, for Python and PostgreSQL."""
_RUN: Final = re.compile(f"[{UNSPACED}]+")


def fold(text: str) -> str:
    """Normalize a text like `chat_ngrams`: compatibility forms (full width, half width) and case are ignored."""
    return unicodedata.normalize("NFKC", text).lower()


def split(text: str) -> tuple[list[str], str]:
    """Returns the runs of unspaced characters in a text, and the text without them."""
    folded = fold(text)
    runs = _RUN.findall(folded)
    return (runs, _RUN.sub(" ", folded)) if runs else ([], text)


def phrase(run: str) -> str:
    """Returns a run as a `tsquery` in text form. A single character matches the first of any pair."""
    if len(run) == 1:
        return f"'{run}':*"
    return " <-> ".join(f"'{run[at : at + 2]}'" for at in range(len(run) - 1))
