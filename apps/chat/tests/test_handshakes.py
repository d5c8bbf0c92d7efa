"""Handshakes at byte level with both protocol classes: list fields, and invalid handshakes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from apps.chat.tests.conftest import Site, serving
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.testing.users import access_token_for
from infrastructure.server.tests import frames

UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture(scope="module", params=[True, False], ids=["joined-writes", "stock"])
def server(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.WEBSOCKET_JOINED_WRITES", request.param)
        with serving() as site:
            yield site


def welcomed(said: bytes) -> bool:
    """Whether a participant has got the first frame, or the handshake was refused."""
    return b"welcome" in said or (b" 101 " not in said[:16] and frames.is_whole(said))


class Answer:
    """The answer of the server to a request."""

    def __init__(self, site: Site, *lines: str, path: str = "/ws/chat/moor/", method: str = "GET") -> None:
        sent = "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {site.host}", *lines, "", ""])
        enough = welcomed if "Sec-WebSocket-Key" in sent else frames.is_whole
        self.raw = frames.converse(site.port, sent.encode(), seconds=1, enough=enough)
        head, _, self.body = self.raw.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers: dict[str, str] = {}
        for field in fields:
            name, _, value = field.partition(": ")
            name = name.lower()
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        assert document["request_id"] == self.headers["x-request-id"]
        return document


@pytest.fixture
def token(site: Site) -> str:
    return access_token_for(member_of(RoomFactory.create(slug="moor")))


def replaced(name: str, *lines: str) -> tuple[str, ...]:
    """A handshake with other lines for one field."""
    return (*(line for line in UPGRADE if not line.startswith(f"{name}:")), *lines)


@pytest.mark.parametrize(
    "lines",
    [
        UPGRADE,
        replaced("Connection", "Connection: Upgrade", "Connection: keep-alive"),
        replaced("Connection", "Connection: keep-alive", "Connection: Upgrade"),
        replaced("Connection", "Connection: keep-alive,Upgrade", "Connection: x"),
        replaced("Connection", "Connection: , upgrade ,"),
        replaced("Upgrade", "Upgrade: WebSocket"),
        replaced("Upgrade", "Upgrade: h2c", "Upgrade: websocket"),
        replaced("Upgrade", "Upgrade: h2c,websocket"),
        replaced("Upgrade", "Upgrade: websocket", "Upgrade: websocket"),
        (*UPGRADE, "X:\ta\tb "),
    ],
)
def test_list_fields_may_span_several_lines(site: Site, token: str, lines: tuple[str, ...]) -> None:
    answer = Answer(site, *lines, f"Authorization: Bearer {token}")
    assert answer.status == 101
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert b'"type":"welcome"' in answer.body


@pytest.mark.parametrize(
    "offered",
    [
        ["chat.v1, bearer, {}"],
        ["chat.v1", "bearer, {}"],
        ["bearer", "{}", "chat.v1"],
        ["bearer,", ",{},chat.v1,,"],
    ],
)
def test_subprotocols_may_span_several_lines(site: Site, token: str, offered: list[str]) -> None:
    lines = [f"Sec-WebSocket-Protocol: {one.format(token)}" for one in offered]
    answer = Answer(site, *UPGRADE, *lines)
    assert (answer.status, answer.headers["sec-websocket-protocol"]) == (101, "chat.v1")
    assert b'"type":"welcome"' in answer.body


@pytest.mark.parametrize(
    ("method", "lines", "status", "code"),
    [
        ("GET", (), 426, "upgrade_required"),
        ("POST", ("Content-Length: 0",), 426, "upgrade_required"),
        ("DELETE", (), 426, "upgrade_required"),
        ("GET", ("Upgrade: h2c", "Connection: Upgrade"), 426, "upgrade_required"),
        ("GET", replaced("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426, "upgrade_required"),
        ("GET", replaced("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8, 13"), 426, "upgrade_required"),
        ("GET", replaced("Connection"), 400, "bad_request"),
        ("GET", replaced("Connection", "Connection: keep-alive"), 400, "bad_request"),
        ("GET", replaced("Sec-WebSocket-Version"), 400, "bad_request"),
        ("GET", replaced("Sec-WebSocket-Key"), 400, "bad_request"),
        ("GET", replaced("Sec-WebSocket-Key", "Sec-WebSocket-Key: short"), 400, "bad_request"),
        ("GET", (*UPGRADE, UPGRADE[-1]), 400, "bad_request"),
        ("GET", (*UPGRADE, "Content-Length: 0"), 400, "bad_request"),
        ("GET", (*UPGRADE, "Origin: http://a.example", "Origin: http://b.example"), 400, "bad_request"),
        ("GET", (*UPGRADE, "Sec-WebSocket-Protocol: a;b"), 400, "bad_request"),
        ("POST", (*UPGRADE, "Content-Length: 0"), 400, "bad_request"),
    ],
)
def test_an_invalid_handshake_is_a_problem_document(
    site: Site, method: str, lines: tuple[str, ...], status: int, code: str
) -> None:
    for path in ("/ws/chat/moor/", "/ws/notifications/?after=1"):
        answer = Answer(site, *lines, path=path, method=method)
        assert (answer.status, answer.problem["code"]) == (status, code), path
        if status == 426:
            assert answer.headers["upgrade"] == "websocket"
            assert "upgrade" in answer.headers["connection"].lower()
            assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "path",
    ["/ws/", "/ws", "/ws/nowhere/", "/ws/notifications", "/ws/chat/", "/ws/chat/a/b/", "/ws/?x=/ws/chat/a/"],
)
def test_path_without_a_socket_is_404(site: Site, path: str, caplog: pytest.LogCaptureFixture) -> None:
    for lines in (UPGRADE, (), ("Upgrade: h2c",)):
        answer = Answer(site, *lines, path=path)
        assert (answer.status, answer.problem["code"]) == (404, "not_found"), lines
    assert errors(caplog) == []


@pytest.mark.parametrize(
    "path", ["/ws/%00/", "/ws/\xff/", "/ws/%ff/", "/ws/%ed%a0%80/", "/ws//", "/ws/../ws/x/"]
)
def test_an_undecodable_path_is_a_problem_document(
    site: Site, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    for lines in (UPGRADE, ()):
        answer = Answer(site, *lines, path=path)
        assert answer.status in (400, 404)
        assert answer.problem["code"] in ("bad_request", "not_found")
    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_another_origin_is_a_problem_document(
    site: Site, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer(site, *UPGRADE, f"Authorization: Bearer {token}", "Origin: https://evil.example")
    assert (answer.status, answer.problem["code"]) == (403, "permission_denied")
    assert errors(caplog) == []
    answer = Answer(site, *UPGRADE, f"Authorization: Bearer {token}", f"Origin: http://{site.host}")
    assert answer.status == 101
