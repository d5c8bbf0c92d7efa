"""The chat sockets of both languages in one room, TypeScript's in a browser, while the server is killed."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from apps.api.tests.clients.harness import DEMO_PASSWORD, PACKAGES, Journey
from apps.common.tests.browser.driver import Browser
from infrastructure.product import PRODUCT

ROOM: Final = "lobby"
KILLS: Final = 3
AT_ONCE: Final = 12  # messages of each side at each kill

_BEGIN: Final = """
const session = new clients.Session();
await session.signIn(arguments[0], arguments[1]);
const chat = new clients.ChatSocket({ room: arguments[2], session, after: 0 });
globalThis.page = { chat, session, received: [], states: [], acknowledged: {}, failed: [] };
chat.on("message", (frame) => page.received.push([frame.seq, frame.message]));
chat.on("state", ({ state, code }) => page.states.push([state, code]));
chat.open();
"""
_SEND: Final = """
for (const text of arguments[0]) {
  page.chat
    .send(text)
    .then((ack) => (page.acknowledged[text] = ack.seq), (error) => page.failed.push(`${text}: ${error}`));
}
"""


class PythonClient:
    """The socket of the generated Python package, in a thread with a loop of its own."""

    def __init__(self, package: Path, url: str) -> None:
        sys.path.insert(0, str(package))
        self._client: Any = importlib.import_module(f"{PRODUCT.identifier}_private_client")
        self._url = url
        self.received: list[tuple[int, str]] = []
        self.acknowledged: dict[str, int] = {}
        self.chat: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="python client")
        self._leaving = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        self._loop.run_until_complete(self._converse())
        self._loop.close()

    async def _converse(self) -> None:
        session = self._client.Session(self._url)
        await session.asign_in("grace@example.com", DEMO_PASSWORD)
        async with self._client.ChatSocket(session, ROOM, after=0) as self.chat:
            listener = asyncio.create_task(self._listen(self.chat.frames()))
            await self._leaving.wait()
        await listener

    async def _listen(self, frames: Any) -> None:
        async for frame in frames:
            if frame["type"] == "message":
                self.received.append((frame["seq"], frame["message"]))

    def send(self, texts: list[str]) -> None:
        """Send these, now or once connected."""

        def post() -> None:
            for text in texts:
                self.chat.post(text).add_done_callback(
                    lambda done, text=text: self.acknowledged.update({text: done.result()["seq"]})
                )

        self._loop.call_soon_threadsafe(post)


def chat_sockets_survive_kills(journey: Journey) -> None:
    """Both send while the server is killed and restarted. Both receive every message once, in one order."""
    server, browser = journey.server, journey.browser
    journey.open_client()
    browser.run(_BEGIN, "ada@example.com", DEMO_PASSWORD, ROOM)
    with PythonClient(PACKAGES / "python" / "private", server.url) as grace:
        _until(
            browser,
            lambda: _state(browser) == "open" and grace.chat is not None and grace.chat.state == "open",
            "open sockets",
        )
        sent: list[str] = []
        for kill in range(KILLS):
            before = [f"before kill {kill} {n}" for n in range(AT_ONCE)]
            after = [f"after kill {kill} {n}" for n in range(AT_ONCE)]
            _send(browser, grace, before)
            server.kill(signal.SIGKILL)
            _until(
                browser, lambda: _state(browser) != "open" and grace.chat.state != "open", "closed sockets"
            )
            _send(browser, grace, after)
            assert browser.run("return page.chat.unsent.length") >= AT_ONCE
            server.start()
            sent += [f"{name}: {text}" for text in before + after for name in ("ada", "grace")]
            _until(browser, lambda: _acknowledged(browser, grace) == set(sent), "all acknowledgements", 60)  # noqa: B023
        newest = max(*grace.acknowledged.values(), *browser.run("return Object.values(page.acknowledged)"))
        _until(
            browser, lambda: browser.run("return page.chat.seq") == newest == grace.chat.seq, "all messages"
        )
    in_browser = [tuple(entry) for entry in browser.run("return page.received")]
    assert [seq for seq, _ in in_browser] == list(range(1, newest + 1)), "gapless, in order, once"
    assert grace.received == in_browser, "one order for both"
    texts = [text for _, text in in_browser]
    assert [texts.count(text) for text in sent] == [1] * len(sent), "stored once"
    assert browser.run("return page.failed") == []
    expected = ("WebSocket", "ERR_CONNECTION_REFUSED")
    complaints = [line for line in browser.complaints() if not any(word in line for word in expected)]
    assert complaints == [], complaints


def chat_sockets_stop_with_the_session(journey: Journey) -> None:
    """A session that ends elsewhere stops the socket (4408), and signs out here."""
    server, browser = journey.server, journey.browser
    token = browser.run("return page.session.token()")
    server.call("POST", "/api/private/v1/users/me/logout-all/", token=token)
    _until(browser, lambda: _state(browser) == "stopped", "the end of the socket", 15)
    assert browser.run("return page.states.at(-1)") == ["stopped", 4408]
    assert browser.run("return page.session.isSignedIn") is False
    script = "const late = page.chat.send('late'); page.chat.open(); return late.catch((error) => error.name)"
    assert browser.run(script) == "SocketStopped"


CHAPTERS: Final = (chat_sockets_survive_kills, chat_sockets_stop_with_the_session)


def _send(browser: Browser, grace: PythonClient, texts: list[str]) -> None:
    browser.run(_SEND, [f"ada: {text}" for text in texts])
    grace.send([f"grace: {text}" for text in texts])


def _acknowledged(browser: Browser, grace: PythonClient) -> set[str]:
    return set(browser.run("return Object.keys(page.acknowledged)")) | set(grace.acknowledged)


def _state(browser: Browser) -> str:
    state: str = browser.run("return page.chat.state")
    return state


def _until(browser: Browser, condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    browser.until(condition, what, seconds)
