"""The WSGI bridge: the environ of requests, the bytes of answers, and threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from typing import Any

import pytest

from infrastructure.server.wsgi_bridge import PROBLEM, TAKEOVER, WsgiBridge
from infrastructure.storage.tests.full_disk import room_for

Start = Callable[..., Any]


def scope(
    *, headers: Iterable[tuple[bytes, bytes]] = (), path: str = "/", query: bytes = b"", method: str = "POST"
) -> Any:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "http_version": "1.1",
        "scheme": "http",
        "headers": list(headers),
        "client": ("192.0.2.7", 4711),
        "server": ("127.0.0.1", 8000),
    }


async def call(bridge: WsgiBridge, request_scope: Any, *body: bytes) -> list[dict[str, Any]]:
    """Run one request whose body arrives in the given pieces. Returns the sent messages."""
    pieces = [
        {"type": "http.request", "body": piece, "more_body": position < len(body) - 1}
        for position, piece in enumerate(body)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return pieces.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await bridge(request_scope, receive, send)
    await bridge.aclose()
    return sent


def echo(environ: dict[str, Any], start: Start) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start("201 Created", [("Content-Type", "text/plain"), ("X-Length", environ["CONTENT_LENGTH"])])
    return [body]


async def test_body_arrives_whole_and_answer_in_one_message() -> None:
    sent = await call(WsgiBridge(echo, threads=1, max_body=100), scope(), b"ab", b"", b"cd")
    assert sent == [
        {
            "type": "http.response.start",
            "status": 201,
            "headers": [(b"content-type", b"text/plain"), (b"x-length", b"4")],
            "trailers": False,
        },
        {"type": "http.response.body", "body": b"abcd", "more_body": False},
    ]


async def test_large_body_is_spooled_and_arrives_whole() -> None:
    body = b"x" * 600_000
    request_scope = scope(headers=[(b"content-length", b"600000")])
    sent = await call(WsgiBridge(echo, threads=1, max_body=1_000_000), request_scope, body)
    assert sent[1]["body"] == body


def refusing(environ: dict[str, Any], start: Start) -> list[bytes]:
    """Answers with the problem of the server, or with 600 kB."""
    if problem := environ.get(PROBLEM):
        start(f"{problem['status']:d} x", list(problem.get("headers", {}).items()))
        return [problem["code"].encode() + environ["wsgi.input"].read()]
    start("200 OK", [])
    return [b"first", b"x" * 600_000]


async def test_body_and_answer_that_do_not_fit_on_the_disk_are_refused_by_the_application() -> None:
    bridge = WsgiBridge(refusing, threads=1, max_body=1_000_000)
    asked = scope(headers=[(b"content-length", b"600000")])
    with room_for(300_000):
        late = await call(bridge, asked, b"x" * 600_000)
        answered = await call(bridge, scope())
    for sent in (late, answered):
        assert (sent[0]["status"], sent[1]["body"]) == (503, b"unavailable")
        assert sent[0]["headers"] == [(b"retry-after", b"30"), (b"connection", b"close")]


async def test_environ_follows_pep_3333() -> None:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        seen.update(environ)
        start("204 No Content", [])
        return []

    headers = [
        (b"host", b"example.com"),
        (b"content-type", b"application/json"),
        (b"accept", b"text/html"),
        (b"accept", b"text/plain"),
        (b"x_forwarded_for", b"203.0.113.9"),
    ]
    sent = await call(
        WsgiBridge(application, threads=1, max_body=10),
        scope(headers=headers, path="/caf\u00e9/", query=b"a=%C3%A9"),
    )
    assert sent[0]["status"] == 204
    assert sent[1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert seen["PATH_INFO"].encode("latin-1").decode("utf-8") == "/caf\u00e9/"
    assert seen["QUERY_STRING"] == "a=%C3%A9"
    assert seen["HTTP_ACCEPT"] == "text/html,text/plain"
    assert seen["CONTENT_TYPE"] == "application/json"
    assert seen["CONTENT_LENGTH"] == ""
    assert (seen["REMOTE_ADDR"], seen["SERVER_NAME"], seen["SERVER_PORT"]) == (
        "192.0.2.7",
        "127.0.0.1",
        "8000",
    )


async def test_path_keeps_its_bytes() -> None:
    seen: list[str] = []

    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        seen.append(environ["PATH_INFO"])
        return echo(environ, start)

    request_scope = scope(path="/\ufffd\ufffd/\u0436") | {"raw_path": b"/%ff%fe/%D0%B6"}
    await call(WsgiBridge(application, threads=1, max_body=100), request_scope)
    assert seen == ["/\xff\xfe/\xd0\xb6"]


async def test_header_with_underscore_cannot_pose_as_another() -> None:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        seen.update(environ)
        start("200 OK", [])
        return [b""]

    await call(
        WsgiBridge(application, threads=1, max_body=10), scope(headers=[(b"x_forwarded_for", b"203.0.113.9")])
    )
    assert "HTTP_X_FORWARDED_FOR" not in seen


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_dropped_and_its_size_reported(declared: bool) -> None:
    headers = [(b"content-length", b"30")] if declared else []
    sent = await call(WsgiBridge(echo, threads=1, max_body=16), scope(headers=headers), b"x" * 10, b"x" * 20)
    assert dict(sent[0]["headers"])[b"x-length"] == b"30"
    assert sent[1]["body"] == b""


class Stream:
    """An answer of three chunks that notes when it is closed."""

    def __init__(self, fail: bool = False) -> None:
        self.closed = 0
        self.fail = fail

    def __iter__(self) -> Iterator[bytes]:
        yield b"one"
        yield b"two"
        if self.fail:
            raise ValueError("the source broke")
        yield b"three"

    def close(self) -> None:
        self.closed += 1


async def test_stream_is_sent_in_pieces_and_closed_once() -> None:
    stream = Stream()

    def application(environ: dict[str, Any], start: Start) -> Stream:
        start("200 OK", [])
        return stream

    sent = await call(WsgiBridge(application, threads=1, max_body=10), scope())
    assert [(m["body"], m["more_body"]) for m in sent[1:]] == [
        (b"one", True),
        (b"twothree", False),
    ]
    assert stream.closed == 1


async def test_stream_is_made_in_one_thread_while_others_are_served() -> None:
    """Django's database connections are threads' own: two answers on one of them end the process."""
    threads: dict[str, set[int]] = {}

    def application(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        start("200 OK", [])
        mine = threads.setdefault(environ["PATH_INFO"], set())
        for _ in range(50):
            mine.add(threading.get_ident())
            yield b"x" * 10_000

    bridge = WsgiBridge(application, threads=4, max_body=10)
    sent: dict[int, list[bytes]] = {number: [] for number in range(8)}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask(number: int) -> None:
        async def send(message: Any) -> None:
            sent[number].append(message.get("body", b""))

        await bridge(scope(path=f"/{number}"), receive, send)

    await asyncio.gather(*(ask(number) for number in sent))
    await bridge.aclose()
    assert [len(used) for used in threads.values()] == [1] * 8
    assert {len(b"".join(pieces)) for pieces in sent.values()} == {500_000}
    assert max(len(piece) for pieces in sent.values() for piece in pieces) <= 65_536


async def test_stream_that_breaks_is_closed_and_the_error_reaches_the_server() -> None:
    stream = Stream(fail=True)

    def application(environ: dict[str, Any], start: Start) -> Stream:
        start("200 OK", [])
        return stream

    with pytest.raises(ValueError, match="the source broke"):
        await call(WsgiBridge(application, threads=1, max_body=10), scope())
    assert stream.closed == 1


async def test_application_that_breaks_before_its_first_chunk_is_closed() -> None:
    closed: list[bool] = []

    class Broken:
        def __iter__(self) -> Iterator[bytes]:
            raise ValueError("no chunk")

        def close(self) -> None:
            closed.append(True)

    def application(environ: dict[str, Any], start: Start) -> Broken:
        start("200 OK", [])
        return Broken()

    with pytest.raises(ValueError, match="no chunk"):
        await call(WsgiBridge(application, threads=1, max_body=10), scope())
    assert closed == [True]


async def test_client_that_leaves_before_its_body_is_complete_is_not_served() -> None:
    called: list[bool] = []

    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        called.append(True)
        return []

    bridge = WsgiBridge(application, threads=1, max_body=100)
    messages = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        called.append(True)

    await bridge(scope(), receive, send)
    assert called == []


async def test_body_that_trickles_is_refused_by_the_application() -> None:
    bridge = WsgiBridge(refusing, threads=1, max_body=100, body_timeout=0.05)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    await bridge(scope(headers=[(b"content-length", b"5")]), receive, send)
    start, body = sent
    assert (start["status"], body["body"]) == (408, b"request_timeout")
    assert start["headers"] == [(b"connection", b"close")]


async def test_slow_readers_hold_no_thread() -> None:
    """Two streams that are never read wait on one thread's pool; a third request is answered all the same."""

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        return Stream() if environ["PATH_INFO"] == "/stream" else [b"here"]

    bridge = WsgiBridge(application, threads=1, max_body=10)
    stuck, both_stuck = asyncio.Event(), asyncio.Barrier(3)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def never_read(message: Any) -> None:
        if not stuck.is_set():
            await both_stuck.wait()
            await stuck.wait()

    streams = [asyncio.create_task(bridge(scope(path="/stream"), receive, never_read)) for _ in range(2)]
    await asyncio.wait_for(both_stuck.wait(), timeout=5)
    answered: list[Any] = []

    async def send(message: Any) -> None:
        answered.append(message)

    await asyncio.wait_for(bridge(scope(), receive, send), timeout=5)
    assert answered[1]["body"] == b"here"
    stuck.set()
    await asyncio.gather(*streams)
    await bridge.aclose()


async def test_requests_run_in_the_configured_number_of_threads() -> None:
    together = threading.Barrier(3, timeout=5)

    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        together.wait()
        start("200 OK", [])
        return [threading.current_thread().name.encode()]

    bridge = WsgiBridge(application, threads=3, max_body=10)
    names: list[bytes] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            names.append(message["body"])

    await asyncio.gather(*(bridge(scope(), receive, send) for _ in range(3)))
    await bridge.aclose()
    assert len(set(names)) == 3


async def test_write_callable_is_refused() -> None:
    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        start("200 OK", [])(b"x")
        return []

    with pytest.raises(RuntimeError, match="write"):
        await call(WsgiBridge(application, threads=1, max_body=10), scope())


def going_on(seen: list[str], *, status: str = "200 OK") -> Any:
    """An application that registers the continuation of its answer."""

    async def stream() -> AsyncGenerator[bytes, None]:
        try:
            for number in range(2):
                yield b"%d" % number
            await asyncio.sleep(60)
        finally:
            seen.append("closed")

    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        environ[TAKEOVER].offer(stream, release=lambda: seen.append("released"))
        start(status, [("Content-Type", "text/event-stream")])
        return [b"begin "]

    return application


async def converse(bridge: WsgiBridge) -> bytes:
    """Call it, and leave after two continued pieces. Returns the sent body."""
    sent: list[dict[str, Any]] = []
    two = asyncio.Event()
    arrived = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in arrived:
            return message
        await two.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message.get("body") == b"1":
            two.set()

    async with asyncio.timeout(5):
        await bridge(scope(method="GET"), receive, send)
    await bridge.aclose()
    return b"".join(message.get("body", b"") for message in sent)


async def test_a_response_continues_in_the_loop_until_the_client_leaves() -> None:
    seen: list[str] = []
    assert await converse(WsgiBridge(going_on(seen), threads=1, max_body=10)) == b"begin 01"
    assert seen == ["closed", "released"]


async def test_answer_that_is_an_error_does_not_go_on() -> None:
    seen: list[str] = []
    bridge = WsgiBridge(going_on(seen, status="429 Too Many Requests"), threads=1, max_body=10)
    assert await converse(bridge) == b"begin "
    assert seen == ["released"]


async def test_an_error_of_a_continued_response_reaches_the_server() -> None:
    seen: list[str] = []

    async def stream() -> AsyncGenerator[bytes, None]:
        yield b"0"
        raise LookupError

    def application(environ: dict[str, Any], start: Start) -> list[bytes]:
        environ[TAKEOVER].offer(stream, release=lambda: seen.append("released"))
        start("200 OK", [])
        return [b""]

    with pytest.raises(LookupError):
        await converse(WsgiBridge(application, threads=1, max_body=10))
    assert seen == ["released"]


async def test_threads_release_connections_and_later_servers_have_new_threads() -> None:
    ended: list[str] = []
    bridge = WsgiBridge(
        echo, threads=2, max_body=10, at_end=lambda: ended.append(threading.current_thread().name)
    )
    for _ in range(2):
        assert (await call(bridge, scope(), b"x"))[1]["body"] == b"x"
    assert len(set(ended)) == 2
    assert len(ended) == 4
