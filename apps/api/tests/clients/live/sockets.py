"""The chat sockets of both languages in one room, TypeScript's in a real browser, while the server is killed under them."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from apps.common.tests.browser.driver import Browser
from apps.common.tests.browser.stack import Stack

PASSWORD: Final = "sarsen-demo-2026"
ROOM: Final = "lobby"
KILLS: Final = 3
AT_ONCE: Final = 12  # messages of each side at each kill

# The module that is committed for the console: what it exports is put within reach of the scripts below.
_BEGIN: Final = """
const clients = await import("/static/console/client/browser/index.js");
const session = new clients.Session();
await session.signIn(arguments[0], arguments[1]);
const chat = new clients.ChatSocket({ room: arguments[2], session, after: 0 });
globalThis.talk = { chat, session, heard: [], states: [], acked: {}, failed: [] };
chat.on("message", (frame) => talk.heard.push([frame.seq, frame.message]));
chat.on("state", ({ state, code }) => talk.states.push([state, code]));
chat.open();
"""
_SAY: Final = """
for (const text of arguments[0]) {
  talk.chat.say(text).then((ack) => (talk.acked[text] = ack.seq), (error) => talk.failed.push(`${text}: ${error}`));
}
"""


class Pythoness:
    """The generated Python package's socket, in a loop of its own."""

    def __init__(self, package: Path, url: str) -> None:
        sys.path.insert(0, str(package))
        self._client: Any = importlib.import_module("sarsen_private_client")
        self._url = url
        self.heard: list[tuple[int, str]] = []
        self.acked: dict[str, int] = {}
        self.chat: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="pythoness")
        self._leaving = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        self._loop.run_until_complete(self._talk())
        self._loop.close()

    async def _talk(self) -> None:
        session = self._client.Session(self._url)
        await session.asign_in("grace@example.com", PASSWORD)
        async with self._client.ChatSocket(session, ROOM, after=0) as self.chat:
            listener = asyncio.create_task(self._listen(self.chat.frames()))
            await self._leaving.wait()
        await listener

    async def _listen(self, frames: Any) -> None:
        async for frame in frames:
            if frame["type"] == "message":
                self.heard.append((frame["seq"], frame["message"]))

    def say(self, texts: list[str]) -> None:
        """Say these, now or when there is a line."""

        def say() -> None:
            for text in texts:
                receipt = self.chat.post(text)
                receipt.add_done_callback(
                    lambda done, text=text: self.acked.update({text: done.result()["seq"]})
                )

        self._loop.call_soon_threadsafe(say)


def outlive_kills(server: Stack, browser: Browser, package: Path) -> None:
    """Both talk while the server is killed and restarted; everything that was said is there once, in one order, for both."""
    browser.go(server.url)
    browser.complaints()
    browser.run(_BEGIN, "ada@example.com", PASSWORD, ROOM)
    with Pythoness(package, server.url) as grace:
        _until(
            browser,
            lambda: _state(browser) == "open" and grace.chat is not None and grace.chat.state == "open",
            "lines",
        )
        said: list[str] = []
        for kill in range(KILLS):
            amid = [f"amid kill {kill} {n}" for n in range(AT_ONCE)]
            away = [f"away in kill {kill} {n}" for n in range(AT_ONCE)]
            _say(browser, grace, amid)
            server.kill(signal.SIGKILL)
            _until(browser, lambda: _state(browser) != "open" and grace.chat.state != "open", "lines cut")
            _say(browser, grace, away)
            assert browser.run("return talk.chat.unsent.length") >= AT_ONCE
            server.start()
            said += [f"{who}: {text}" for text in amid + away for who in ("ada", "grace")]
            _until(browser, lambda: _is_through(browser, grace, said), "everything acknowledged", 60)  # noqa: B023
        newest = max(*grace.acked.values(), *browser.run("return Object.values(talk.acked)"))
        _until(
            browser,
            lambda: browser.run("return talk.chat.seq") == newest == grace.chat.seq,
            "everything heard",
        )
    in_browser = [tuple(entry) for entry in browser.run("return talk.heard")]
    assert [seq for seq, _ in in_browser] == list(range(1, newest + 1)), "gapless, in order, once"
    assert grace.heard == in_browser, "one order for both"
    texts = [text for _, text in in_browser]
    assert [texts.count(text) for text in said] == [1] * len(said), "said once"
    assert browser.run("return talk.failed") == []
    refused = [
        line
        for line in browser.complaints()
        if "WebSocket" not in line and "ERR_CONNECTION_REFUSED" not in line
    ]
    assert refused == [], refused


def stop_with_the_session(server: Stack, browser: Browser) -> None:
    """A session that ends elsewhere stops the socket for good (4408), and signs out here."""
    token = browser.run("return talk.session.token()")
    server.call("POST", "/api/private/v1/users/me/logout-all/", token=token)
    _until(browser, lambda: _state(browser) == "stopped", "the end", 15)
    assert browser.run("return talk.states.at(-1)") == ["stopped", 4408]
    assert browser.run("return talk.session.isSignedIn") is False
    script = (
        "const said = talk.chat.say('too late'); talk.chat.open(); return said.catch((error) => error.name)"
    )
    assert browser.run(script) == "SocketStopped"


def _say(browser: Browser, grace: Pythoness, texts: list[str]) -> None:
    browser.run(_SAY, [f"ada: {text}" for text in texts])
    grace.say([f"grace: {text}" for text in texts])


def _is_through(browser: Browser, grace: Pythoness, said: list[str]) -> bool:
    acked = set(browser.run("return Object.keys(talk.acked)")) | set(grace.acked)
    return acked == set(said)


def _state(browser: Browser) -> str:
    state: str = browser.run("return talk.chat.state")
    return state


def _until(browser: Browser, condition: Callable[[], bool], what: str, patience: float = 20) -> None:
    browser.until(condition, what, patience)
