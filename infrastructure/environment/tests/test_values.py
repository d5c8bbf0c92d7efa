"""The typed readers: their values, and their messages for invalid texts."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.environment import values
from infrastructure.environment.values import Mistake


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("False", False), ("no", False)],
)
def test_flags(text: str, expected: bool) -> None:
    assert values.flag(text) is expected


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (values.number(0, 10), "010", 10),
        (values.choice(["INFO", "ERROR"]), "info", "INFO"),
        (values.rate, "5/10 minutes", "5/10 minutes"),
        (values.host, "App.Example.COM", "app.example.com"),
        (values.host, ".example.com", ".example.com"),
        (values.host, "[::1]", "[::1]"),
        (values.host, "127.0.0.1", "127.0.0.1"),
        (values.host, "web_1", "web_1"),
        (values.host, "*", "*"),
        (values.origin, "https://App.Example", "https://app.example"),
        (values.origin, "HTTPS://app.example/", "https://app.example"),
        (values.origin, "https://app.example:443", "https://app.example"),
        (values.origin, "http://localhost:3000", "http://localhost:3000"),
        (values.origin, "http://[::1]:8000", "http://[::1]:8000"),
        (values.any_origin, "*", "*"),
        (values.endpoint, "https://S3.example/storage/v1/", "https://s3.example/storage/v1"),
        (values.dsn, "https://key@o1.ingest.sentry.io/42", "https://key@o1.ingest.sentry.io/42"),
        (values.sender, "Acme <no-reply@example.com>", "Acme <no-reply@example.com>"),
        (values.sender, "no-reply@example.com", "no-reply@example.com"),
        (values.sender, '"Bits, Bytes" <a@example.com>', '"Bits, Bytes" <a@example.com>'),
        (values.text, "a b", "a b"),
    ],
)
def test_valid_values_are_accepted(read: Any, text: str, expected: Any) -> None:
    assert read(text) == expected


_HOSTS = "must hold host names only, without scheme, port and path, as in `app.example,.example.org,[::1]`; "
_ORIGIN = "must be scheme and host alone, as in https://app.example or http://localhost:3000"
_SENDER = "must be one address, as in `Acme <no-reply@example.com>`"
_DSN = "must be the DSN of a Sentry project, as in https://key@host/1; empty switches Sentry off"


@pytest.mark.parametrize(
    ("read", "text", "complaint"),
    [
        (values.flag, "maybe", "must be true or false, not 'maybe'"),
        *(
            (values.number(1, 9), text, f"must be a whole number from 1 to 9, not {text!r}")
            for text in ("0", "10", "-1", "1.5", "ten", "٣", "1_0", "+5", "1e3", "0x1")
        ),
        (
            values.number(1, 9),
            "9" * 60,
            f"must be a whole number from 1 to 9, not '{'9' * 40}…'",
        ),
        (values.choice(["INFO"]), "verbose", "must be one of INFO, not 'verbose'"),
        (values.rate, "60", "must hold rates: '60' is not a rate: write it like 60/minute or 5/10 minutes."),
        *(
            (values.host, text, f"{_HOSTS}international names in their form `xn--…`")
            for text in (
                "https://a.example",
                "a.example:8000",
                "a.example/x",
                "a b",
                "bücher.example",
                "..a",
                "a..b",
                "-a",
                "[::1",
                "::1",
                "*.example.com",
                "u@a.example",
            )
        ),
        *(
            (values.origin, text, _ORIGIN)
            for text in (
                "app.example",
                "https://app.example/path",
                "https://app.example?x",
                "https://app.example#x",
                "https://u:p@app.example",
                "https://",
                "https://app.example:0",
                "https://app.example:65536",
                "https://app.example:x",
                "ftp://app.example",
                "https://*.app.example",
                "null",
                "*",
                "https://bücher.example",
                "https://app.example//",
            )
        ),
        *(
            (values.dsn, text, _DSN)
            for text in ("changeme", "https://host/1", "https://key@host", "https://key@[x/1")
        ),
        *(
            (values.sender, text, _SENDER)
            for text in (
                "no-reply",
                "no-reply@",
                "@example.com",
                "Acme no-reply@example.com",
                "a@example.com, b@example.com",
                "Acme <no-reply@example.com",
                "a@b c.example",
                "a@@example.com",
            )
        ),
        (values.sender, "Acme\nBcc: x <a@example.com>", "must be one line without control characters"),
        (values.text, "a\x00b", "must be one line without control characters"),
        (
            values.endpoint,
            "s3.example",
            "must be an address such as https://s3.example, without user, query and fragment",
        ),
        (
            values.endpoint,
            "https://key:secret@s3.example",
            "must be an address such as https://s3.example, without user, query and fragment",
        ),
        (values.matching("[a-z]+", "a word"), "A1", "must be a word"),
    ],
)
def test_invalid_values_are_refused(read: Any, text: str, complaint: str) -> None:
    with pytest.raises(Mistake) as refused:
        read(text)
    assert str(refused.value) == complaint
