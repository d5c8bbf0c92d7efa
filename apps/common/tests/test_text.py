"""What a name may hold, what can be seen of a text, and which texts look alike."""

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
    "\U0001fabf",  # a goose, which an older Python does not know
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
def test_names_of_every_script_are_taken(line: str) -> None:
    assert text.clean_line(f" {line}\n") == unicodedata.normalize("NFC", line)
    assert text.is_visible(line)
    text.validate_line(line)


@pytest.mark.parametrize("sign", UNPRINTABLE)
def test_what_breaks_turns_or_hides_in_a_line_is_refused(sign: str) -> None:
    with pytest.raises(text.InvalidLine) as refusal:
        text.clean_line(sign)
    assert refusal.value.reason == "unprintable"
    with pytest.raises(ValidationError):
        text.validate_line(sign)
    assert text.fit_line(sign, 10) in ("a b", "ab")


@pytest.mark.parametrize("seen", EMPTY_LOOKING.values(), ids=EMPTY_LOOKING)
def test_what_looks_empty_is_no_name_and_no_text(seen: str) -> None:
    assert not text.is_visible(seen)
    assert not text.is_visible(f" {seen}\n{seen} ")
    assert text.fit_line(seen, 10) == ""
    with pytest.raises(text.InvalidLine):
        text.clean_line(seen)


def test_lines_are_composed_and_a_text_that_cannot_be_corrected_is_cut() -> None:
    assert text.clean_line("  Zoe\u0308  ") == "Zo\u00eb"
    assert text.fit_line("  Zoe\u0308\r\nBcc: x ", 8) == "Zo\u00eb Bcc:"


# Of categories a regular expression of PostgreSQL knows nothing: marks without a letter are refused by the code alone.
REFUSED_BY_THE_DATABASE = [
    *(name for name in UNPRINTABLE if name[1] in "\n\r\t\x1b\x85\u2028\u2029"),
    *(name for kind, name in EMPTY_LOOKING.items() if kind != "marks alone"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("names", "expected"), [(LINES, True), (REFUSED_BY_THE_DATABASE, False)])
def test_the_database_holds_the_same(names: list[str], expected: bool) -> None:
    for name in names:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s ~ %s", [name, text.LINE_PATTERN])
            assert cursor.fetchone() == (expected,), ascii(name)


def test_the_field_of_names() -> None:
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
def test_what_looks_alike_has_one_skeleton(name: str, forged: str) -> None:
    assert text.skeleton(forged) == text.skeleton(name)


@pytest.mark.parametrize("other", ["Sistema", "Adnan", "Menhira", "Supporter", "Sister", "Adam", "Делетед"])
def test_what_does_not_look_alike_has_another_one(other: str) -> None:
    assert text.skeleton(other) not in {text.skeleton(name) for name in ALIKE}
