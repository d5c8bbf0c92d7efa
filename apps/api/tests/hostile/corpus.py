"""Hostile input: values of fields, bodies, query strings, paths and headers. `plan` assigns them to operations."""

from __future__ import annotations

import gzip
from typing import Final

from infrastructure.server.tests.frames import Headers

# JSON texts for values of fields. Written out: a lone surrogate cannot be encoded.
VALUES: Final = (
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1.5",
    b"9223372036854775808",
    b"18446744073709551616",
    b"1e308",
    b"-1e-320",
    b'""',
    b'" "',
    b"[]",
    b"{}",
    b"[[[]]]",
    b'[null, {"a": 1}]',
    b'{"a": {"b": []}}',
    b'"\\u0000"',
    b'"a\\u0000b@example.com"',
    b'"\\ud800"',
    b'"\\udfff\\ud800"',
    b'"\\u202e\\u2066"',
    b'"\\r\\nSet-Cookie: a=b"',
    b'"%"',
    b'"_%\\\\"',
    b'"\' OR 1=1; --"',
    b'"${7*7}{{7*7}}<%= 7*7 %>"',
    b'"<script>alert(1)</script>"',
    b'"../../../../etc/passwd"',
    b'"\xd9\xa1\xd9\xa2\xd9\xa3"',
    b'"\xef\xac\x80\xc4\xb0\xef\xbc\xa0example.com"',
    b'"0x10"',
    b'"NaN"',
    b'"9999-99-99T99:99:99Z"',
    b'"00000000-0000-0000-0000-000000000000"',
    b'"00000000-0000-0000-0000-00000000000g"',
    b'"' + b"a" * 300 + b'@example.com"',
    b'"' + b"A" * 100_000 + b'"',
    b'"' + "\U0001f469\u200d".encode() * 5_000 + b'"',
    # Names that look empty, end a line, turn it, or look like the product's own; addresses and passwords of two forms.
    b'"\\u3164"',
    b'"\\u2800\\u115f\\uffa0"',
    b'"\\u0301\\u20dd"',
    b'"\\udb40\\udc41\\udb40\\udc7f"',
    b'"Team\\r\\nBcc: x@example.com\\r\\n\\r\\nhttp://evil.example"',
    b'"a\\u2028b\\u0085c"',
    b'"\\ufffe\\ufdd0\\ue000"',
    '"Ѕуѕtеm"'.encode(),
    b'"\\ud835\\udce2arsen"',
    '"zoë@example.com"'.encode(),
    '"ada@faß.example"'.encode(),
    b'"Jose\\u0301 of\\u00a0the downs"',
)

JSON: Final = b"application/json"
FORM: Final = b"application/x-www-form-urlencoded"
MULTIPART: Final = b"multipart/form-data; boundary=x"


def part(disposition: bytes, content: bytes, kind: bytes = b"application/octet-stream") -> bytes:
    """One part of a form."""
    return (
        b"--x\r\nContent-Disposition: form-data; "
        + disposition
        + b"\r\nContent-Type: "
        + kind
        + b"\r\n\r\n"
        + content
        + b"\r\n"
    )


END: Final = b"--x--\r\n"
PIXEL: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
# A picture of 65,535 × 65,535 pixels by its header: what a decompression bomb announces.
_BOMB: Final = PIXEL[:16] + b"\x00\x00\xff\xff\x00\x00\xff\xff" + PIXEL[24:]

# (content type, body). A type of None is sent without the header.
BODIES: Final[tuple[tuple[bytes | None, bytes], ...]] = (
    (JSON, b""),
    (JSON, b"{"),
    (JSON, b"null"),
    (JSON, b"true"),
    (JSON, b"0"),
    (JSON, b'"text"'),
    (JSON, b"[]"),
    (JSON, b"[[], {}]"),
    (JSON, b"{}"),
    (JSON, b"{} {}"),
    (JSON, b"\xef\xbb\xbf{}"),
    (JSON, b"\xff\xfe{\x00}\x00"),
    (JSON, b"\x00"),
    (JSON, b"[" * 100_000),
    (JSON, b"[" * 5_000 + b"]" * 5_000),
    (JSON, b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    (JSON, b'{"a": NaN, "b": Infinity}'),
    (JSON, b"1e400"),
    (JSON, b"9" * 100_000),
    (JSON, b'{"email": "a@example.com", "email": "b@example.com"}'),
    (JSON, b'{"\\u0000": 1}'),
    (JSON, b'{"\\ud800": 1}'),
    (JSON, b'{"email": "\xed\xa0\x80"}'),
    (JSON, b'{"__proto__": {"is_staff": true}, "constructor": {"prototype": {}}}'),
    (JSON, b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(20_000)) + b"}"),
    (JSON, b'{"a": "' + b"x" * 1_000_000 + b'"}'),
    (JSON, b'{"a": "' + b"x" * 1_048_576 + b'"}'),
    (JSON, b"x" * 6_000_000),
    (b"application/json; charset=utf-16", "{}".encode("utf-16")),
    (b"application/json; charset=latin-1", b'{"email": "\xe9"}'),
    (b"application/json; charset=", b"{}"),
    (b'application/json; charset="utf-8', b"{}"),
    (b"application/json; =; ;;", b"{}"),
    (b"application/json\x00", b"{}"),
    (b"application/json; x=" + b"y" * 4_000, b"{}"),
    (b"application/merge-patch+json", b"{}"),
    (b"application/xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    (b"application/yaml", b"!!python/object/apply:os.system ['true']"),
    (b"text/plain", b"{}"),
    (b"text/html", b"<script>"),
    (b"\xff\xfe/\xff", b"{}"),
    (b"a/b/c", b"{}"),
    (b";", b"{}"),
    (b"", b"{}"),
    (None, b"{}"),
    (FORM, b"email=%00&password=%ff"),
    (FORM, b"&".join(b"a%d=1" % n for n in range(3_000))),
    (b"multipart/form-data", b"x"),
    (b"multipart/form-data; boundary=", b"x"),
    (b"multipart/form-data; boundary=" + b"b" * 5_000, b"x"),
    (b"multipart/form-data; boundary=\xff\x00", b"x"),
    (MULTIPART, b""),
    (MULTIPART, b"--x"),
    (MULTIPART, b"--x\r\n\r\n\r\n" + END),
    (MULTIPART, b"--x\r\n" + b"A: " + b"b" * 100_000 + b"\r\n\r\n\r\n" + END),
    (MULTIPART, part(b'name="avatar"', b"\x00\xff" * 50) + END),
    (MULTIPART, part(b'name="\x00"; filename="\x00.png"', PIXEL) + END),
    (MULTIPART, part(b'name="avatar"; filename="a\x00b.png"', PIXEL, b"image/png") + END),
    (MULTIPART, part(b'name="avatar"; filename="../../a.png"', PIXEL, b"image/png") + END),
    (MULTIPART, part(b'name="avatar"; filename="\xed\xa0\x80.png"', PIXEL, b"image/png") + END),
    (MULTIPART, part(b"name=\"avatar\"; filename*=utf-8''%00%ff.png", PIXEL, b"image/png") + END),
    (MULTIPART, part(b'name="avatar"; filename="' + b"f" * 3_000 + b'.png"', PIXEL, b"image/png") + END),
    (MULTIPART, part(b'name="avatar"; filename="a.png"', _BOMB, b"image/png") + END),
    (MULTIPART, part(b'name="avatar"; filename="a.svg"', b"<svg onload='x'/>", b"image/svg+xml") + END),
    (MULTIPART, part(b'name="avatar"; filename="a.png"', b"", b"image/png") + END),
    (MULTIPART, b"".join(part(b'name="f%d"; filename="f"' % n, b"") for n in range(200)) + END),
    (MULTIPART, b"".join(part(b'name="f%d"' % n, b"") for n in range(1_500)) + END),
)

# Values of query parameters, as in the request line.
QUERY_VALUES: Final = (
    b"",
    b"%00",
    b"a%00b",
    b"%ff%fe",
    b"%ed%a0%80",
    b"%",
    b"%zz",
    b"-1",
    b"0",
    b"1e9",
    b"999999999999999999999999",
    b"%D9%A1%D9%A2",
    b"%25_%5C",
    b"'%20OR%201=1--",
    b"[]",
    b"{}",
    b"null",
    b"NaN",
    b"0000-00-00T00:00:00",
    b"9999-12-31T23:59:59.999999%2B23:59",
    b"0001-01-01T00:00:00-23:59",
    b"00000000-0000-0000-0000-000000000000",
    b"eyJhIjoxfQ",
    b"WyJuIiwgbnVsbF0",
    b"%F0%9F%91%A9%E2%80%8D",
    b"<script>",
    b"a" * 4_000,
)

# Query strings as a whole.
QUERIES: Final = (
    b"?",
    b"&&&&",
    b"=",
    b"a" * 6_000,
    b"%00=%00",
    b"%ff",
    b"a=1;b=2",
    b"&".join(b"p%d=%d" % (n, n) for n in range(1_000)),
    b"format=html",
    b"format=api",
    b"limit=5&limit=x",
    b"__debug__=1&__all__[]=1",
    b"\xff\xfe=\xff",
    b"token=secret",
)

# Values for parameters of the path.
PATH_VALUES: Final = (
    b"%00",
    b"a%00b",
    b"%ff",
    b"%ed%a0%80",
    b"%2e%2e",
    b"..",
    b"%2F..%2F",
    b"%5c",
    b"%",
    b"%zz",
    b"%0d%0aX-Injected:%201",
    b"a" * 3_000,
    b"%F0%9F%91%A9",
    b"00000000-0000-0000-0000-000000000000",
    b"00000000-0000-0000-0000-00000000000g",
    b"-1",
    b"'",
    b"%25",
    b"lobby%0a",
    b";a=b",
)

_LONG: Final = b"a" * 7_000
_NONE: Final = b"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."
RANGES: Final = (
    *(b"bytes=0-0", b"bytes=-1", b"bytes=99999999-", b"bytes=-0", b"bytes=4-2", b"bytes=-", b"bytes=0-1,3-4"),
    *(b"bytes=" + b"9" * 5_000 + b"-", b"bytes=\xd9\xa3-", b"lines=1-2", b"\xff"),
)
HEADERS: Final[tuple[Headers, ...]] = (
    ((b"Authorization", b""),),
    ((b"Authorization", b"Bearer"),),
    ((b"Authorization", b"Bearer " + _LONG),),
    ((b"Authorization", b"Bearer \xff\xfe"),),
    ((b"Authorization", b"Bearer " + _NONE),),
    ((b"Authorization", b"Bearer a.b.c"),),
    ((b"Authorization", b"Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2V0Yy9wYXNzd2QifQ.e30.AAAA"),),
    ((b"Authorization", b"Bearer eyJhbGciOjEsImtpZCI6W119.W10.AAAA"),),
    ((b"Authorization", b"Basic !!!!"),),
    ((b"Authorization", b"Api-Key"),),
    ((b"Authorization", b"Api-Key ." * 50),),
    ((b"Authorization", b"Api-Key \xff.\xff"),),
    ((b"Authorization", b"Bearer a"), (b"Authorization", b"Api-Key b.c")),
    ((b"Cookie", b"sessionid=" + b"a" * 5_000),),
    ((b"Cookie", b"sessionid=\xff\x01; =; ;;; csrftoken"),),
    ((b"Cookie", b"sessionid=abc; " * 200),),
    ((b"Host", b"evil.example"),),
    ((b"Host", b""),),
    ((b"Host", b"127.0.0.1:99999999"),),
    ((b"Host", b"127.0.0.1/../evil"),),
    ((b"Host", b"[::1"),),
    ((b"Host", b"\xff\xff"),),
    ((b"X-Forwarded-For", b""),),
    ((b"X-Forwarded-For", b"," * 2_000),),
    ((b"X-Forwarded-For", b"\xff, ::1%eth0, 999.1.1.1"),),
    ((b"X-Forwarded-For", b"[::ffff:10.0.0.1]:80"),),
    ((b"X-Forwarded-Host", b"evil.example"), (b"Forwarded", b"for=evil;host=evil")),
    ((b"X-Forwarded-Proto", b"\xff"),),
    ((b"X-Request-ID", b"\xff" * 20),),
    ((b"X-Request-ID", b"a" * 5_000),),
    ((b"Idempotency-Key", b""),),
    ((b"Idempotency-Key", b"k" * 129),),
    ((b"Idempotency-Key", b"\xff\x80"),),
    ((b"Idempotency-Key", b"the same for all"),),
    ((b"Idempotency-Key", b"hostile-1"),),
    ((b"Idempotency-Key", b"hostile-2"), (b"Idempotency-Key", b"hostile-3")),
    ((b"Accept", b"text/html"),),
    ((b"Accept", b"text/html, application/xhtml+xml, */*;q=0.8"),),
    ((b"Accept", b"application/json; version=99; q=nan"),),
    ((b"Accept", b"\xff/\xff;;q=;"),),
    ((b"Accept", b"a/b, " * 1_000),),
    ((b"Accept-Language", b"x-" + _LONG),),
    ((b"Accept-Encoding", b"gzip;q=\xff, *;q=-1"),),
    ((b"If-None-Match", b'W/"' + b"a" * 3_000),),
    ((b"If-Modified-Since", b"Mon, 99 Foo 99999 99:99:99"),),
    ((b"Range", b"bytes=0-18446744073709551616,-1"),),
    ((b"Origin", b"null"),),
    ((b"Origin", b"https://evil.example"), (b"Access-Control-Request-Method", b"DELETE")),
    ((b"Origin", b"http://[::1"), (b"Access-Control-Request-Method", b"\xff")),
    ((b"Origin", b"\xff://\xff"),),
    ((b"Referer", b"\xff" * 100),),
    ((b"User-Agent", b"\x01\x7f\xff" * 300),),
    ((b"User-Agent", b"\xe2\x80\xae" * 500),),
    ((b"X-HTTP-Method-Override", b"DELETE"),),
    ((b"Content-Encoding", b"gzip"),),
    ((b"Expect", b"100-continue"),),
    ((b"Expect", b"everything"),),
    ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")),
    ((b"Upgrade", b"h2c"), (b"Connection", b"Upgrade, HTTP2-Settings"), (b"HTTP2-Settings", b"AAAA")),
    ((b"Content-Type", b"text/html"), (b"Content-Language", b"\xff")),
    ((b"traceparent", b"00-" + b"0" * 500), (b"baggage", b"=" * 500), (b"sentry-trace", b"\xff")),
    tuple((b"X-Field-%d" % n, b"v") for n in range(90)),
)

METHODS: Final = (b"TRACE", b"PROPFIND", b"get", b"OPTIONS", b"HEAD", b"PURGE")

GZIPPED: Final = gzip.compress(b" " * 1_000_000)
