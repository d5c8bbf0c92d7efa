"""Serves a WSGI application from an ASGI server, through a small pool of long-lived threads.

Django's own ASGI handler runs synchronous views with one thread hop for each middleware layer and each view; this bridge
takes one hop for the whole request and keeps each thread's database connection. A slow client occupies no thread: the
event loop reads its body and writes its answer.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from typing import IO, Any, Final
from urllib.parse import unquote_to_bytes

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

from infrastructure.database import budget

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_SPOOL_FROM = 256 * 1024  # bytes; larger bodies and answers wait on disk, not in memory
_BLOCK = 64 * 1024
_END: Any = object()


@dataclass(slots=True)
class _Answer:
    """The arguments of `start_response`."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], Any]:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _refuse_write


def _refuse_write(_: bytes) -> None:
    raise RuntimeError("The write() callable of PEP 3333 is not offered: return an iterable of bytes.")


PROBLEM: Final = "server.refusal"
"""In the environ of a request that the application has to refuse, so that this answer has what all answers have: the
problem's `status`, `code`, `detail` and `headers`. There is no body then."""
_LATE: Final = {
    "status": HTTPStatus.REQUEST_TIMEOUT,
    "code": "request_timeout",
    "detail": "The request took too long to arrive.",
}
_NO_ROOM: Final = {
    "status": HTTPStatus.SERVICE_UNAVAILABLE,
    "code": "unavailable",
    "detail": "There is no room on the disk right now. Try again later.",
    "headers": {"Retry-After": "30"},
}
TAKEOVER: Final = "server.takeover"


class Takeover:
    """Lets a view continue its answer in the event loop after it has returned, for answers without an end.

    A WSGI view would hold a thread for each client of such an answer. Instead the request passes everything before the view
    (middleware, guard, limits), the view answers with what is available, and leaves a function here::

        takeover = request.META.get(TAKEOVER)       # None where no event loop serves the answer (gunicorn)
        if takeover is not None:
            takeover.offer(partial(live.events, user_id=…), release=slot.release)

    The answer's body is sent first, then what the function's generator yields, until the client leaves. `release` is called
    at the end in every case.
    """

    def __init__(self) -> None:
        self.stream: Callable[[], AsyncGenerator[bytes, None]] | None = None
        self.release: Callable[[], None] = _nothing

    def offer(
        self, stream: Callable[[], AsyncGenerator[bytes, None]], *, release: Callable[[], None]
    ) -> None:
        """Continue with this function."""
        self.stream, self.release = stream, release


def _nothing() -> None:
    """The default `release`."""


class WsgiBridge:
    """An ASGI application for the `http` scope around a WSGI one (PEP 3333).

    Args:
        application: The WSGI application.
        threads: How many requests run at once; further ones wait in order.
        max_body: Bytes of body that are read at most. A longer body is not read to its end; the application gets its
            true size as CONTENT_LENGTH, and refuses it.
        body_timeout: Seconds that a client may take to send its body; then the application is notified by PROBLEM.
        at_end: Called in each thread before it ends, to release resources of the thread.
    """

    def __init__(
        self,
        application: WsgiApplication,
        *,
        threads: int,
        max_body: int,
        body_timeout: float = 30.0,
        at_end: Callable[[], None] = _nothing,
    ) -> None:
        self._application = application
        self._max_body = max_body
        self._body_timeout = body_timeout
        self._count = threads
        self._at_end = at_end
        self._pool = self._new_pool()

    async def __call__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        environ = _environ(scope)
        body: IO[bytes] | None
        try:
            async with asyncio.timeout(self._body_timeout):
                body = await self._read_body(environ, receive)
        except TimeoutError:
            body, environ[PROBLEM] = BytesIO(), _LATE
        except OSError:  # a longer body waits on disk
            body, environ[PROBLEM] = BytesIO(), _NO_ROOM
        if body is None:  # the client went away
            return
        environ["wsgi.input"] = body
        arrived = time.monotonic()
        takeover = environ[TAKEOVER] = Takeover()
        loop = asyncio.get_running_loop()
        answer = _Answer()
        try:
            try:
                first, rest = await loop.run_in_executor(self._pool, self._answer, environ, answer, arrived)
            except OSError:  # a longer answer waits on disk, too
                environ[PROBLEM], answer = _NO_ROOM, _Answer()
                first, rest = await loop.run_in_executor(self._pool, self._answer, environ, answer, arrived)
            if PROBLEM in environ:
                # The rest of the body cannot be distinguished from a next request.
                answer.headers.append((b"connection", b"close"))
            try:
                await send(
                    {
                        "type": "http.response.start",
                        "status": answer.status,
                        "headers": answer.headers,
                        "trailers": False,
                    }
                )
                # Nearly every answer is one chunk, complete after one hop. What is left of a longer one is on disk, and
                # read on after the client took what came before: a slow reader holds no thread and no memory.
                while rest is not None and (
                    block := await loop.run_in_executor(self._pool, rest.read, _BLOCK)
                ):
                    await send({"type": "http.response.body", "body": first, "more_body": True})
                    first = block
                goes_on = takeover.stream is not None and answer.status == HTTPStatus.OK
                await send({"type": "http.response.body", "body": first, "more_body": goes_on})
                if goes_on and takeover.stream is not None:
                    await _go_on(takeover.stream(), receive, send)
            finally:
                if rest is not None:
                    rest.close()
        finally:
            takeover.release()
            body.close()

    async def aclose(self) -> None:
        """Wait for the running requests and end the threads. A later server in this process starts new ones."""
        pool, self._pool = self._pool, self._new_pool()
        # The barrier keeps one thread from taking two of the calls.
        barrier = threading.Barrier(self._count)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(pool, self._end, barrier) for _ in range(self._count)))
        await asyncio.to_thread(pool.shutdown)

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=self._count, thread_name_prefix="http")

    def _end(self, barrier: threading.Barrier) -> None:
        barrier.wait(timeout=60)
        self._at_end()

    async def _read_body(self, environ: dict[str, Any], receive: ASGIReceiveCallable) -> IO[bytes] | None:
        declared = environ.get("CONTENT_LENGTH", "")
        size = int(declared) if declared.isdecimal() else 0
        if size > self._max_body:
            return BytesIO()
        body: IO[bytes] = BytesIO()
        if size > _SPOOL_FROM:
            body = tempfile.SpooledTemporaryFile(max_size=_SPOOL_FROM)  # noqa: SIM115  (closed with the answer)
        try:
            received = await self._receive_into(body, receive)
            body.seek(0)
        except BaseException:
            body.close()
            raise
        if received is None:
            body.close()
            return None
        environ["CONTENT_LENGTH"] = str(received) if received or declared else ""
        if received > self._max_body:  # only a chunked body gets here: it declared no length
            body.close()
            return BytesIO()
        return body

    async def _receive_into(self, body: IO[bytes], receive: ASGIReceiveCallable) -> int | None:
        """Returns the number of bytes received, which exceeds the limit only slightly; None when the client left."""
        received = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            if message["type"] == "http.request":
                chunk = message.get("body", b"")
                received += len(chunk)
                if received > self._max_body:
                    return received
                body.write(chunk)
                if not message.get("more_body", False):
                    return received

    def _answer(
        self, environ: dict[str, Any], answer: _Answer, arrived: float
    ) -> tuple[bytes, IO[bytes] | None]:
        """In a thread: run the application to its end. Returns the first chunk, and a reader of the rest if there is one.

        The whole answer is made in this one thread, since it may use resources of the thread, such as Django's database
        connections: two answers made piece by piece in changing threads would share a connection.
        """
        with budget.request(arrived):
            return self._run(environ, answer)

    def _run(self, environ: dict[str, Any], answer: _Answer) -> tuple[bytes, IO[bytes] | None]:
        result = self._application(environ, answer.start)
        try:
            chunks = iter(result)
            first = next(chunks, b"")
            second = next(chunks, _END)
            if second is _END:
                return first, None
            rest: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_FROM)  # noqa: SIM115  (closed when sent)
            try:
                rest.write(second)
                rest.writelines(chunks)
                rest.seek(0)
            except BaseException:
                rest.close()
                raise
            return first, rest
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()


async def _go_on(
    stream: AsyncGenerator[bytes, None], receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Send what the stream yields until it ends or the client leaves."""
    sending = asyncio.create_task(_send_all(stream, send))
    leaving = asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
        outcomes = await asyncio.gather(sending, leaving, return_exceptions=True)
    if isinstance(outcomes[0], Exception) and not isinstance(outcomes[0], OSError):
        raise outcomes[0]


async def _send_all(stream: AsyncGenerator[bytes, None], send: ASGISendCallable) -> None:
    async with aclosing(stream):
        async for chunk in stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: ASGIReceiveCallable) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _path(scope: HTTPScope) -> bytes:
    """The path's bytes as they were sent: `scope["path"]` has U+FFFD for bytes that are no UTF-8."""
    raw: bytes | None = scope.get("raw_path")  # servers may leave it out
    return scope["path"].encode() if raw is None else unquote_to_bytes(raw)


def _environ(scope: HTTPScope) -> dict[str, Any]:
    """The WSGI environ of an ASGI scope, without its body."""
    server = scope.get("server") or ("127.0.0.1", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": _path(scope).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": str(client[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1")
        if "_" in name:  # `X_Forwarded_For` would arrive under the same key as `X-Forwarded-For`
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            key = f"HTTP_{key}"
        value = raw_value.decode("latin-1")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
