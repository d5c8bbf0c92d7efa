"""Codes by time, as RFC 6238 has them in its appendix."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
import segno

from infrastructure.token import new_typed_code, totp, typed_code

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    assert totp.code_of(SECRET, seconds // totp.STEP) == code
    assert totp.matching_step(SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // totp.STEP


@pytest.mark.parametrize(("off", "is_taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off(off: int, is_taken: bool) -> None:
    now = datetime.fromtimestamp(1_900_000_000, UTC)
    code = totp.code_of(SECRET, (1_900_000_000 + off) // totp.STEP)
    assert (totp.matching_step(SECRET, code, now) is not None) is is_taken


@pytest.mark.parametrize("code", ["", "28708", "2870820", "\ud800", "٢٨٧٠٨٢", "287082 "])
def test_malformed_codes_match_nothing(code: str) -> None:
    assert totp.matching_step(SECRET, code, datetime.fromtimestamp(59, UTC)) is None


def test_secrets_are_new_each_time_and_go_into_a_uri() -> None:
    first, second = totp.new_secret(), totp.new_secret()
    assert first != second
    assert len(base64.b32decode(first)) == 20
    assert totp.uri(SECRET, account="ada@example.com", issuer="Acme") == (
        f"otpauth://totp/Acme:ada%40example.com?secret={SECRET}&issuer=Acme"
    )


def test_typed_codes_have_one_spelling() -> None:
    code = new_typed_code()
    assert [len(group) for group in code.split("-")] == [6, 6, 6, 6]
    assert typed_code(f" {code.lower()} ") == typed_code(code.replace("-", " ")) == code.replace("-", "")
    assert code != new_typed_code()


def test_the_qr_code_is_an_image_that_scales_with_a_quiet_zone() -> None:
    text = totp.uri(SECRET, account="ada@example.com", issuer="Acme")
    svg = ET.fromstring(totp.qr_code(text))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert "width" not in svg.attrib
    modules = segno.make_qr(text).symbol_size(border=0)[0]
    assert svg.attrib["viewBox"] == f"0 0 {modules + 8} {modules + 8}"
    assert {path.attrib.get("fill") for path in svg} == {"#fff", None}
    assert totp.qr_code(text) != totp.qr_code(text + "&digits=6")
