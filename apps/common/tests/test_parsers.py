"""Strict JSON and forms: accepted bodies, and the codes of refused ones."""

import io
import json

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from apps.common.http.parsers import StrictJSONParser, UploadParser, loads


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
def test_invalid_json_is_refused(raw, code):
    with pytest.raises(ParseError) as caught:
        loads(raw)
    assert caught.value.get_codes() == code


@pytest.mark.parametrize("raw", [b"[" * 32 + b"]" * 32, b'{"a":' * 32 + b"1" + b"}" * 32])
def test_thirty_two_levels_are_allowed(raw):
    assert loads(raw) == json.loads(raw)


def test_long_numbers_are_parsed_quickly():
    assert loads(b'{"n": ' + b"9" * 300 + b', "t": ":"}')["n"] == 1e300
    with pytest.raises(ParseError):
        loads(b"9" * 10_000)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"[" + b"[]," * 300_000 + b"[]]", None),
        (b'["' + b"{:[" * 250_000 + b'"]', None),
        (b"{" + b'"a":0,' * 100_000 + b'"a":0}', "duplicate_key"),
    ],
    ids=["lists", "brackets in a string", "equal keys"],
)
def test_a_body_of_the_greatest_size_is_parsed_in_linear_time(raw, code):
    # Quadratic time would be hours: the test does not end then.
    if code is None:
        loads(raw)
        return
    with pytest.raises(ParseError) as raised:
        loads(raw)
    assert raised.value.get_codes() == code


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8"])
def test_only_utf8_is_accepted(charset):
    body = io.BytesIO('{"a": "ж"}'.encode())
    parsed = StrictJSONParser().parse(body, f"application/json; charset={charset}; version=1")
    assert parsed == {"a": "ж"}


FORM = "multipart/form-data; boundary=x"


def form(disposition: bytes, content: bytes = b"content") -> bytes:
    return b"--x\r\nContent-Disposition: form-data; " + disposition + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


def parse_form(body: bytes, kind: str = FORM):
    request = RequestFactory().post("/", body, content_type=kind)
    return UploadParser().parse(io.BytesIO(body), kind, {"request": request})


def test_a_form_with_a_file_is_read():
    parsed = parse_form(form(b'name="avatar"; filename="folder/\xd0\xb6.png"', b"\x00\xff"))
    assert parsed.files["avatar"].name == "ж.png"
    assert parsed.files["avatar"].read() == b"\x00\xff"
    assert parse_form(form(b'name="a"', "é".encode())).data["a"] == "é"


@pytest.mark.parametrize(
    "body",
    [
        form(b'name="a\x00"'),
        form(b'name="a"', b"\x00"),
        form(b'name="a"', b"\xff"),
        form(b'name="a"', b"\xed\xa0\x80"),
        form(b'name="a"; filename="b\x00.png"'),
        form(b"name=\"a\"; filename*=utf-8''%00.png"),
        form(b"name=\"a\"; filename*=utf-8''%ff.png"),
        form(b'name="a\x00"; filename="b.png"'),
    ],
)
def test_names_values_and_file_names_are_text(body):
    with pytest.raises(ParseError) as caught:
        parse_form(body)
    assert caught.value.get_codes() in ("parse_error", "null_character")


@pytest.mark.parametrize("disposition", [b'name="a\xff"', b'name="a"; filename="\xed\xa0\x80.png"'])
def test_parts_with_invalid_headers_are_ignored(disposition):
    parsed = parse_form(form(disposition))
    assert (dict(parsed.data), dict(parsed.files)) == ({}, {})


@pytest.mark.parametrize(
    "kind", [f"{FORM}; charset=latin-1", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_forms_in_other_charsets_or_without_a_boundary_are_refused(kind):
    with pytest.raises((ParseError, UnsupportedMediaType)):
        parse_form(form(b'name="a"'), kind)


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-7", "", "x"])
def test_forms_with_other_charsets_are_refused(charset):
    with pytest.raises(UnsupportedMediaType):
        StrictJSONParser().parse(io.BytesIO(b"{}"), f"application/json; charset={charset}")
