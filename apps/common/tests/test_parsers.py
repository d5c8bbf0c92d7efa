"""Strict JSON: what is read, and what is refused with which code."""

import io
import json
import time

import pytest
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from apps.common.parsers import StrictJSONParser, loads


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        None,
        True,
        "text",
        12.5,
        {"a": 1, "b": "x:y", "c": 'quote" and {[: inside'},
        {"at": "2026-01-01T10:00:00", "url": "https://example.com:8000/?a={b}"},
        {"deep": {"er": [{"x": [1, {"y": None}]}]}, "list": [[], {}, ""]},
        {"text": "backslash \\u0000 written out"},
        [{"a": 1}, {"a": 2}],
        "only: colons: here",
    ],
)
def test_valid_json_is_read(value):
    assert loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b"Infinity", "invalid_json"),
        (b"1e400", "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b'"\xff"', "invalid_json"),
        (b'"\xed\xa0\x80"', "invalid_json"),
        (b'{"a": "\\ud800"}', "invalid_json"),
        (b'{"a": "\\udc00\\ud800"}', "invalid_json"),
        (b'"\x00"', "invalid_json"),
        (b"{} {}", "invalid_json"),
        (b'{"a": 1,}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"[" * 100_000 + b"]" * 100_000, "invalid_json"),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "invalid_json"),
        (b"[" * 33 + b"]" * 33, "too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'{"a": 1, "b": 2, "\\u0061": 3}', "duplicate_key"),
        (b'[{"x": {"a": {"c": ":"}, "a": 2}}]', "duplicate_key"),
        (b'{"a": {"gone": 1}, "a": 2}', "duplicate_key"),
        (b'{"a": "\\u0000"}', "null_character"),
        (b'{"a": {"\\u0000": 1}}', "null_character"),
        (b'["x", ["\\u0000"]]', "null_character"),
        (b'"\\u0000"', "null_character"),
    ],
)
def test_everything_else_is_refused(raw, code):
    with pytest.raises(ParseError) as caught:
        loads(raw)
    assert caught.value.get_codes() == code


@pytest.mark.parametrize("raw", [b"[" * 32 + b"]" * 32, b'{"a":' * 32 + b"1" + b"}" * 32])
def test_thirty_two_levels_are_allowed(raw):
    assert loads(raw) == json.loads(raw)


def test_numbers_of_any_length_cost_little():
    assert loads(b'{"n": ' + b"9" * 300 + b', "t": ":"}')["n"] == 1e300
    with pytest.raises(ParseError):
        loads(b"9" * 10_000)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" + b"[]," * 300_000 + b"[]]",
        b'["' + b"{:[" * 250_000 + b'"]',
        b"{" + b'"a":0,' * 100_000 + b'"a":0}',
    ],
)
def test_the_worst_body_of_the_allowed_size_is_judged_soon(raw):
    started = time.perf_counter()
    try:
        loads(raw)
    except ParseError as error:
        assert error.get_codes() == "duplicate_key"  # noqa: PT017
    # A tenth of this without the tracing of coverage.
    assert time.perf_counter() - started < 5.0


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8"])
def test_utf8_is_the_one_charset(charset):
    body = io.BytesIO('{"a": "ж"}'.encode())
    parsed = StrictJSONParser().parse(body, f"application/json; charset={charset}; version=1")
    assert parsed == {"a": "ж"}


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-7", "", "x"])
def test_other_charsets_are_not_read(charset):
    with pytest.raises(UnsupportedMediaType):
        StrictJSONParser().parse(io.BytesIO(b"{}"), f"application/json; charset={charset}")
