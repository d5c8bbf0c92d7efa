"""Steps of a member of rooms. They wait for what should appear and assert nothing else."""

from __future__ import annotations

import time
from typing import Final

from apps.common.tests.browser.driver import ENTER, Browser, BrowserError
from apps.common.tests.browser.journey import Journey
from apps.users.tests.browser import steps as users_steps

EMAIL: Final = "carol@chat.example.com"
# The texts in the log, in order. Messages that are being sent are left out: their order is not final.
_TEXTS: Final = (
    "return [...document.querySelectorAll('.message:not(.waiting) .text')].map((one) => one.firstChild.data)"
)


def enter(journey: Journey) -> None:
    """Sign Ada in with her demo account and Carol by registration, and open the lobby in both browsers."""
    ada, carol = journey.both
    users_steps.sign_in_as_demo(ada, journey.server.url, "ada")
    users_steps.register(carol, journey.server.url, "Carol Shaw", EMAIL)
    for browser in journey.both:
        browser.element(".rooms a.room")
        open_room(browser, "lobby")


def open_room(browser: Browser, slug: str) -> None:
    """Open a room; join it first if necessary."""
    browser.run("location.hash = `#/rooms/${arguments[0]}`", slug)
    browser.until(
        lambda: browser.run(
            "return document.querySelector('.room-head .hint')?.innerText.includes(`#${arguments[0]}`)", slug
        ),
        f"room {slug}",
    )
    script = "return document.querySelector('#message') ? 'in' : document.querySelector('.conversation .empty .primary') ? 'out' : null"
    if browser.until(lambda: browser.run(script), f"the field or the button of {slug}") == "out":
        browser.click(".conversation .empty .primary")
    browser.element("#message")
    connected(browser)


def connected(browser: Browser, patience: float = 40) -> None:
    """Wait until the room's socket is open."""
    browser.until(
        lambda: browser.run("return document.querySelector('.conversation')?.dataset.connection === 'open'"),
        "an open connection",
        patience,
    )


def write(browser: Browser, text: str) -> None:
    """Type a message and send it with Enter."""
    browser.type("#message", text + ENTER)


def last(text: str) -> str:
    """Returns a script: the last message that contains this text."""
    return f"[...document.querySelectorAll('.message')].findLast((one) => one.innerText.includes({text!r}))"


def press_tool(browser: Browser, text: str, name: str) -> None:
    """Use a control of a message."""
    browser.until(lambda: browser.run(f"return {last(text)} !== undefined"), text)
    browser.run(f"{last(text)}.querySelector('[aria-label=\"{name}\"]').click()")


def reply(browser: Browser, question: str, text: str) -> None:
    """Reply to a message."""
    press_tool(browser, question, "Reply to this message")
    write(browser, text)


def texts(browser: Browser) -> list[str]:
    """Returns the texts of the messages in the log."""
    return list(browser.run(_TEXTS))


def settle(browser: Browser, wanted: list[str], patience: float = 30) -> list[str]:
    """Wait until all wanted texts are shown and nothing is being sent. Returns what is shown of them, in order."""

    def found() -> list[str] | None:
        seen = [text for text in texts(browser) if text in wanted]
        return (
            seen
            if len(seen) >= len(wanted)
            and not browser.run("return document.querySelector('.message.waiting')")
            else None
        )

    try:
        browser.until(found, "all messages", patience)
    except BrowserError as error:
        missing = [text for text in wanted if text not in texts(browser)]
        raise BrowserError(f"{error}; missing {missing}") from error
    time.sleep(0.5)  # a duplicate would come late
    return [text for text in texts(browser) if text in wanted]
