"""Valid names, visible texts, and texts that look alike."""

from __future__ import annotations

import unicodedata

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from rest_framework import serializers

from apps.common import text
from apps.common.http import fields

EMPTY_LOOKING = {
    "hangul fillers": "\u3164\u115f\u1160\uffa0",
    "empty braille": "\u2800",
    "tags": "\U000e0041\U000e0042\U000e007f",
    "marks alone": "\u0301\u0308\u20dd",
    "joiners": "\u200d\u200c",
    "selectors": "\ufe0f\ufe00\U000e0100",
    "khmer vowels": "\u17b4\u17b5",
    "blanks": " \u00a0\u3000\u2003\u1680\u202f",
    "soft hyphen": "\u00ad",
    "zero width": "\u200b\u2060\ufeff",
    "shorthand": "\U0001bca0",
    "music": "\U0001d159\U0001d173",
    "grapheme joiner": "\u034f",
    "mongolian": "\u180b\u180e",
    "object": "\ufffc",
    "nothing": "",
}
LINES = [
    "Ada",
    "Größe 東京",
    "O’Neill-Şahin",
    "שלום",
    "محمد\u200cعلی",  # a joiner of letters
    "क्\u200dष",
    "👩\u200d💻",
    "❤\ufe0f",
    "ᠮᠣᠩᠭᠣᠯ\u180b",
    "・_・",
    "\U0001fabf",  # a goose, unknown to older versions of Python
]
UNPRINTABLE = [
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x00b",
    "a\x1bb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
    "a\u202eb",
    "a\u2066b",
    "a\u200fb",
    "a\u061cb",
    "a\u200bb",
    "a\ufeffb",
    "a\u3164b",
    "a\u2800b",
    "a\ue000b",
    "a\ufffeb",
    "a\U000e0041b",
    "a\ud800b",
    "a\u00adb",
]


@pytest.mark.parametrize("line", LINES)
def test_names_of_every_script_are_accepted(line: str) -> None:
    assert text.clean_line(f" {line}\n") == unicodedata.normalize("NFC", line)
    assert text.is_visible(line)
    text.validate_line(line)


@pytest.mark.parametrize("sign", UNPRINTABLE)
def test_control_and_invisible_characters_are_refused(sign: str) -> None:
    with pytest.raises(text.InvalidLine) as refusal:
        text.clean_line(sign)
    assert refusal.value.reason == "unprintable"
    with pytest.raises(ValidationError):
        text.validate_line(sign)
    assert text.fit_line(sign, 10) in ("a b", "ab")


@pytest.mark.parametrize("seen", EMPTY_LOOKING.values(), ids=EMPTY_LOOKING)
def test_invisible_texts_are_refused(seen: str) -> None:
    assert not text.is_visible(seen)
    assert not text.is_visible(f" {seen}\n{seen} ")
    assert text.fit_line(seen, 10) == ""
    with pytest.raises(text.InvalidLine):
        text.clean_line(seen)


def test_lines_are_composed_and_fitted() -> None:
    assert text.clean_line("  Zoe\u0308  ") == "Zo\u00eb"
    assert text.fit_line("  Zoe\u0308\r\nBcc: x ", 8) == "Zo\u00eb Bcc:"


@pytest.mark.parametrize("joiner", ["", "\u200d", "\ufe0f"])
def test_marks_are_not_stacked_beyond_their_line(joiner: str) -> None:
    four = "a" + f"{joiner}\u0316" * 4
    assert text.clean_line(four) == four
    for more in (four + "\u0316", four + "\u0488", "b" + four + "\u0316c"):
        with pytest.raises(text.InvalidLine) as refusal:
            text.clean_line(more)
        assert refusal.value.reason == "stacked"
    assert text.fit_line("Z" + "\u0316" * 90 + "oe\u0308", 10) == "Z" + "\u0316" * 4 + "o\u00eb"


# PostgreSQL's regular expressions have no categories, so only the code refuses marks without a letter.
REFUSED_BY_THE_DATABASE = [
    *(name for name in UNPRINTABLE if name[1] in "\n\r\t\x1b\x85\u2028\u2029"),
    *(name for kind, name in EMPTY_LOOKING.items() if kind != "marks alone"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("names", "expected"), [(LINES, True), (REFUSED_BY_THE_DATABASE, False)])
def test_the_constraint_agrees_with_the_code(names: list[str], expected: bool) -> None:
    for name in names:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s ~ %s", [name, text.LINE_PATTERN])
            assert cursor.fetchone() == (expected,), ascii(name)


def test_the_line_field_cleans_its_text() -> None:
    class Named(fields.Input):
        name = fields.LineField(max_length=5)

    for given, code in [
        ({"name": 5}, "invalid"),
        ({"name": None}, "null"),
        ({"name": "  "}, "blank"),
        ({"name": "a\u202eb"}, "unprintable"),
        ({"name": "\u3164"}, "unprintable"),
        ({"name": "\u0301"}, "invisible"),
        ({"name": "abcdef"}, "max_length"),
        ({}, "required"),
    ]:
        form = Named(data=given)
        assert not form.is_valid()
        assert [fault.code for fault in form.errors["name"]] == [code]
    form = Named(data={"name": " Zoe\u0308 "})
    assert (form.is_valid(), form.validated_data) == (True, {"name": "Zo\u00eb"})
    assert isinstance(form.fields["name"], serializers.CharField)


ALIKE = {
    "System": [
        "SYSTEM",
        "ЅуѕТеm",
        "ѕуѕtеm",
        "S y s t e m",
        "Systern",
        "Ｓｙｓｔｅｍ",
        "𝓢𝔂𝓼𝓽𝓮𝓶",
        "🅂🅈🅂🅃🄴🄼",
        "🅢🅨🅢🅣🅔🅜",
        "🇸🇾🇸🇹🇪🇲",
        "ꜱʏꜱᴛᴇᴍ",
        "Śÿšţėɱ",
        "System.",
        "»System«",
    ],
    "Admin": ["АDМIN", "Adm1n", "AdmІn", "admin\u0301", "Ꭺdmin", "αdmin", "ad\u200dmin", "аdmіn"],
    "Menhir": ["Меnhіr", "MENHIR", "mеnhir", "Men\u00adhir", "M·E·N·H·I·R"],
    "Support": ["Suppοrt", "ѕuррогt", "Suрport"],
    "Deleted account": ["DeletedAccount", "Deleted  account", "Dеlеtеd асcоunt", "De1eted account"],
}


@pytest.mark.parametrize(("name", "forged"), [(name, one) for name, many in ALIKE.items() for one in many])
def test_similar_texts_have_the_same_skeleton(name: str, forged: str) -> None:
    assert text.skeleton(forged) == text.skeleton(name)


@pytest.mark.parametrize("other", ["Sistema", "Adnan", "Menhira", "Supporter", "Sister", "Adam", "Делетед"])
def test_different_texts_have_different_skeletons(other: str) -> None:
    assert text.skeleton(other) not in {text.skeleton(name) for name in ALIKE}
