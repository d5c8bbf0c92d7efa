"""Bytes that are no HTTP, or two requests at once, which a server refuses before the application."""

from __future__ import annotations

from typing import Final

_HOST: Final = b"Host: 127.0.0.1\r\n"
_POST: Final = b"POST /api/public/v1/auth/login/ HTTP/1.1\r\n" + _HOST + b"Content-Type: application/json\r\n"
# The request inside the request: answered, it would be a second answer with this status.
_INNER: Final = b"GET /healthz HTTP/1.1\r\n" + _HOST + b"\r\n"

# Each has to be answered once, by a refusal, or with silence (RFC 9112, section 6.3 and 11.2).
SMUGGLING: Final[dict[str, bytes]] = {
    "length and chunked": _POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + _INNER,
    "chunked and length": _POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    + _INNER,
    "two lengths": _POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + _INNER,
    "a list of lengths": _POST + b"Content-Length: 2, 40\r\n\r\n{}" + _INNER,
    "a negative length": _POST + b"Content-Length: -1\r\n\r\n" + _INNER,
    "a signed length": _POST + b"Content-Length: +2\r\n\r\n{}" + _INNER,
    "a hexadecimal length": _POST + b"Content-Length: 0x2\r\n\r\n{}" + _INNER,
    "a length with a space in its name": _POST + b"Content-Length : 2\r\n\r\n{}" + _INNER,
    "another encoding": _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + _INNER,
    "chunked twice": _POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + _INNER,
    "chunked but not last": _POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + _INNER,
    "a bare carriage return": _POST + b"X: y\rTransfer-Encoding: chunked\r\n\r\n" + _INNER,
    "a folded header": _POST + b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + _INNER,
    "a null in a header": _POST + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}" + _INNER,
    "a chunk of a wrong length": _POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n" + _INNER,
    "a chunk of nonsense": _POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + _INNER,
    "a chunk beyond all numbers": _POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n",
    "chunked in HTTP/1.0": _POST.replace(b"/1.1", b"/1.0")
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + _INNER,
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n" + _INNER,
    "two hosts": b"GET /healthz HTTP/1.1\r\n" + _HOST + _HOST + b"\r\n" + _INNER,
    "no version": b"GET /healthz\r\n\r\n" + _INNER,
    "a version of its own": b"GET /healthz HTTP/9.9\r\n" + _HOST + b"\r\n" + _INNER,
    "spaces in the line": b"GET /healthz  x HTTP/1.1\r\n" + _HOST + b"\r\n" + _INNER,
    "a null in the line": b"GET /heal\x00thz HTTP/1.1\r\n" + _HOST + b"\r\n" + _INNER,
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 64,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a line without end": b"GET /" + b"a" * 200_000,
    "a header without end": b"GET /healthz HTTP/1.1\r\n" + _HOST + b"X: " + b"a" * 200_000,
    "headers without end": b"GET /healthz HTTP/1.1\r\n" + _HOST + b"A: b\r\n" * 40_000,
}

_UPGRADE: Final = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def _handshake(path: bytes, *headers: bytes, upgrade: bytes = _UPGRADE, host: bytes = _HOST) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"GET " + path + b" HTTP/1.1\r\n" + host + upgrade + lines + b"\r\n"


# Handshakes: refused, or accepted and closed with a code; never a traceback.
HANDSHAKES: Final[dict[str, bytes]] = {
    "anonymous": _handshake(b"/ws/example/"),
    "no such path": _handshake(b"/ws/nowhere/"),
    "a path of nulls": _handshake(b"/ws/%00/"),
    "a path of surrogates": _handshake(b"/ws/%ed%a0%80/"),
    "a path that climbs": _handshake(b"/ws/..%2f..%2f/"),
    "a path of 3,000": _handshake(b"/ws/" + b"a" * 3_000 + b"/"),
    "a path of bytes": _handshake(b"/ws/\xff\xfe/"),
    "a token of nonsense": _handshake(b"/ws/example/?token=%00%ff"),
    "a token of 6,000": _handshake(b"/ws/example/?token=" + b"a" * 6_000),
    "many parameters": _handshake(b"/ws/example/?" + b"&".join(b"a%d=1" % n for n in range(800))),
    "after nothing": _handshake(b"/ws/example/?after=-1"),
    "after everything": _handshake(b"/ws/example/?after=" + b"9" * 400),
    "a foreign origin": _handshake(b"/ws/example/", b"Origin: https://evil.example"),
    "an origin of null": _handshake(b"/ws/example/", b"Origin: null"),
    "a broken origin": _handshake(b"/ws/example/", b"Origin: http://[::1"),
    "an origin of bytes": _handshake(b"/ws/example/", b"Origin: \xff\xfe"),
    "two origins": _handshake(b"/ws/example/", b"Origin: http://127.0.0.1", b"Origin: https://evil.example"),
    "a foreign host": _handshake(b"/ws/example/", host=b"Host: evil.example\r\n"),
    "a broken host": _handshake(b"/ws/example/", b"Origin: http://[::1", host=b"Host: [::1\r\n"),
    "no host": _handshake(b"/ws/example/", host=b""),
    "a subprotocol alone": _handshake(b"/ws/example/", b"Sec-WebSocket-Protocol: bearer"),
    "subprotocols of nothing": _handshake(b"/ws/example/", b"Sec-WebSocket-Protocol: ,,,"),
    "subprotocols of bytes": _handshake(b"/ws/example/", b"Sec-WebSocket-Protocol: bearer, \xff\xfe"),
    "a subprotocol of 6,000": _handshake(b"/ws/example/", b"Sec-WebSocket-Protocol: bearer, " + b"a" * 6_000),
    "an authorization of bytes": _handshake(b"/ws/example/", b"Authorization: Bearer \xff\xfe"),
    "forwarded nonsense": _handshake(b"/ws/example/", b"X-Forwarded-For: \xff, [::1, 999.9.9.9"),
    "extensions of nonsense": _handshake(
        b"/ws/example/", b"Sec-WebSocket-Extensions: permessage-deflate; x=\xff"
    ),
    "a version of its own": _handshake(b"/ws/example/", upgrade=_UPGRADE.replace(b": 13", b": 99")),
    "no key": _handshake(b"/ws/example/", upgrade=_UPGRADE.replace(b"AAAAAAAAAAAAAAAAAAAAAA==", b"")),
    "bytes at once": _handshake(b"/ws/example/") + b"\xff" * 200,
}

# Requests an unsupported upgrade, which is ignored.
NO_HANDSHAKES: Final[dict[str, bytes]] = {
    "the root": _handshake(b"/"),
    "an endpoint of the API": _handshake(b"/api/private/v1/users/me/"),
    "a body": _handshake(b"/ws/example/", b"Content-Length: 5") + b"hello",
    "by POST": _handshake(b"/ws/example/").replace(b"GET", b"POST", 1),
}


def handshakes_to(path: str) -> dict[str, bytes]:
    """Both kinds of handshakes, at a socket of the product instead of the example."""
    return {
        name: sent.replace(b"/ws/example/", path.encode())
        for name, sent in {**HANDSHAKES, **NO_HANDSHAKES}.items()
    }
