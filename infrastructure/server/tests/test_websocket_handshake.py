"""The plain form of a handshake, compared with `websockets`: a subset is accepted, with equal answers."""

from __future__ import annotations

import base64
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.http11 import Request
from websockets.server import ServerProtocol

from infrastructure.server import websocket_handshake

KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="
PLAIN: Final = {
    b"host": b"site.example",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-key": KEY,
    b"sec-websocket-version": b"13",
}


def fields(**changed: bytes | None) -> list[tuple[bytes, bytes]]:
    """The plain handshake with some fields changed, added or (None) left out."""
    changes = {name.replace("_", "-").encode(): value for name, value in changed.items()}
    return [(name, value) for name, value in {**PLAIN, **changes}.items() if value is not None]


def judged(of: list[tuple[bytes, bytes]]) -> tuple[Request, bytes]:
    """The request that the library reads from these fields, and its answer."""
    library = ServerProtocol()
    head = b"GET /ws/ HTTP/1.1\r\n" + b"".join(b"%b: %b\r\n" % field for field in of) + b"\r\n"
    library.receive_data(head)
    (request,) = library.events_received()
    assert isinstance(request, Request)
    response = library.accept(request)
    del response.headers["Date"]
    library.send_response(response)
    return request, b"".join(library.data_to_send())


@pytest.mark.parametrize(
    ("of", "subprotocols"),
    [
        (fields(), []),
        (fields(upgrade=b"WebSocket", connection=b"keep-alive, Upgrade"), []),
        (fields(connection=b"keep-alive,upgrade"), []),
        (fields(sec_websocket_protocol=b"chat.v1"), ["chat.v1"]),
        (
            fields(sec_websocket_protocol=b"chat.v1, bearer,a.b-c_d"),
            ["chat.v1", "bearer", "a.b-c_d"],
        ),
        (fields(origin=b"https://site.example", user_agent=b"Caf\xe9 (x; y)", cookie=b""), []),
        (fields(sec_websocket_extensions=b"permessage-deflate; client_max_window_bits"), []),
    ],
)
def test_handshakes_of_browsers_and_libraries_are_read(
    of: list[tuple[bytes, bytes]], subprotocols: list[str]
) -> None:
    read = websocket_handshake.read(of)
    # RFC 6455, section 1.3: the key and the answer of its example.
    assert read == websocket_handshake.Handshake(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", subprotocols)
    _, answered = judged(of)
    assert websocket_handshake.answer(read.accept, ()) == answered


@pytest.mark.parametrize(
    "of",
    [
        *(
            fields(**{name: None})
            for name in ("upgrade", "connection", "sec_websocket_key", "sec_websocket_version")
        ),
        fields(upgrade=b"h2c"),
        fields(upgrade=b"websocket, h2c"),
        fields(upgrade=b"websocket/13"),
        fields(connection=b"close"),
        fields(connection=b"Upgraded"),
        fields(connection=b"x-upgrade, y"),
        fields(connection=b"Upgrade,,close"),
        fields(connection=b'"Upgrade"'),
        fields(sec_websocket_version=b"8"),
        fields(sec_websocket_version=b"13, 8"),
        fields(sec_websocket_version=b"013"),
        fields(sec_websocket_key=b""),
        fields(sec_websocket_key=KEY[:-1]),
        fields(sec_websocket_key=KEY + b"="),
        fields(sec_websocket_key=KEY.replace(b"G", b"-")),
        fields(sec_websocket_key=base64.b64encode(b"fifteen bytes.")),
        fields(sec_websocket_key=base64.b64encode(b"seventeen bytes..")),
        fields(sec_websocket_protocol=b""),
        fields(sec_websocket_protocol=b","),
        fields(sec_websocket_protocol=b"a b"),
        fields(sec_websocket_protocol=b"a;b"),
        fields(sec_websocket_protocol=b"b\xe9"),
        fields(x=b" a"),
        fields(x=b"a "),
        fields(x=b"a\tb"),
        fields(x=b"a\x00b"),
        fields(x=b"a\nb"),
        fields(x=b"a\x7fb"),
        fields(x=b"a" * 8_000),
        [*fields(), (b"a b", b"c")],
        [*fields(), (b"X-Caf\xe9", b"c")],
        *([*fields(), (name, value)] for name, value in PLAIN.items() if name != b"host"),
        [*fields(), (b"origin", b"http://a"), (b"origin", b"http://b")],
        [*fields(), (b"sec-websocket-protocol", b"a"), (b"sec-websocket-protocol", b"b")],
        [],
    ],
)
def test_every_other_form_is_left_to_the_library(of: list[tuple[bytes, bytes]]) -> None:
    assert websocket_handshake.read(of) is None


@pytest.mark.parametrize(
    ("of", "joined"),
    [
        (fields(), fields()),
        (
            [*fields(), (b"connection", b"keep-alive"), (b"connection", b" ,x\t")],
            fields(connection=b"Upgrade, keep-alive, x"),
        ),
        ([(b"upgrade", b"h2c"), *fields()], [(b"upgrade", b"websocket"), *fields(upgrade=None)]),
        (fields(upgrade=b"h2c , WebSocket"), fields(upgrade=b"websocket")),
        (fields(upgrade=b"h2c"), fields(upgrade=b"h2c")),
        (
            [*fields(sec_websocket_protocol=b"a,"), (b"sec-websocket-protocol", b"b , c")],
            fields(sec_websocket_protocol=b"a, b, c"),
        ),
        ([*fields(), (b"x", b"1"), (b"x", b"2")], [*fields(), (b"x", b"1"), (b"x", b"2")]),
    ],
)
def test_lists_are_joined(of: list[tuple[bytes, bytes]], joined: list[tuple[bytes, bytes]]) -> None:
    assert websocket_handshake.join_lists(of) == joined


@pytest.mark.parametrize(
    ("of", "is_accepted"),
    [
        (fields(), True),
        (fields(x=b" a\tb "), True),
        (fields(connection=b"a, Upgrade"), True),
        (fields(sec_websocket_key=None), False),
        (fields(sec_websocket_version=b"8"), False),
        (fields(x=b"\x00"), False),
        ([*fields(), *fields()], False),
        ([], False),
    ],
)
def test_other_forms_are_judged_by_the_library(of: list[tuple[bytes, bytes]], *, is_accepted: bool) -> None:
    assert websocket_handshake.is_accepted(b"/ws/?a=b", of) is is_accepted


NAMES = st.sampled_from(
    [
        *PLAIN,
        b"origin",
        b"sec-websocket-protocol",
        b"sec-websocket-extensions",
        b"x",
        b"a b",
        b"\xe9",
        b"cookie",
    ]
)
PIECES = st.sampled_from(
    [
        *PLAIN.values(),
        b"keep-alive",
        b"bearer",
        b",",
        b", ",
        b" ",
        b"\t",
        b"=",
        b'"',
        b"/",
        b";",
        b"\x00",
        b"\xff",
        b"a.b",
        b"8",
    ]
)
VALUES = st.one_of(st.lists(PIECES, max_size=4).map(b"".join), st.binary(max_size=6))


@given(st.permutations(list(PLAIN.items())), st.lists(st.tuples(NAMES, VALUES), max_size=3), st.data())
def test_handshakes_that_the_library_refuses_are_not_accepted(
    plain: list[tuple[bytes, bytes]], more: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    dropped = data.draw(st.sets(st.sampled_from(sorted(PLAIN)), max_size=1))
    of = [field for field in plain if field[0] not in dropped] + more
    read = websocket_handshake.read(of)
    if read is None:
        return
    request, answered = judged(of)
    assert websocket_handshake.answer(read.accept, ()) == answered
    assert [(name.encode(), value.encode("latin-1")) for name, value in request.headers.raw_items()] == of
    lists = request.headers.get_all("sec-websocket-protocol")
    assert read.subprotocols == [token.strip() for one in lists for token in one.split(",")]


@pytest.mark.parametrize(
    "field",
    [(b"x", b"a\r\nb: c"), (b"x", b"a\nb"), (b"x", b"\x00"), (b"a b", b"c"), (b"", b"c"), (b"a:b\r\n", b"")],
)
def test_an_answer_has_no_injected_fields(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="no field"):
        websocket_handshake.answer(b"x", [field])


def test_an_answer_has_the_given_fields() -> None:
    given_fields = [(b"date", b"now"), (b"Sec-WebSocket-Protocol", b"bearer"), (b"x", b"caf\xe9")]
    assert websocket_handshake.answer(b"key", given_fields) == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: key\r\ndate: now\r\nSec-WebSocket-Protocol: bearer\r\nx: caf\xe9\r\n\r\n"
    )
