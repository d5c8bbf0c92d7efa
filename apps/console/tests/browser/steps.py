"""What a person does on the console, as plain steps on a browser. Asserts nothing by itself but that things appear."""

from __future__ import annotations

import time
from typing import Final

from apps.common.tests.browser.driver import ENTER, Browser, BrowserError

PASSWORD: Final = "a long walk past the hills"
# What the log shows, in order: every message's text that has a number (those on their way are not settled yet).
_TEXTS: Final = (
    "return [...document.querySelectorAll('.message:not(.waiting) .text')].map((one) => one.firstChild.data)"
)


def enter_demo(browser: Browser, url: str, name: str) -> None:
    """Come in by one of the demo accounts that the page offers."""
    browser.go(url + "/")
    browser.element(".demo .chip")
    browser.run(
        "[...document.querySelectorAll('.demo .chip')].find((chip) => chip.textContent.startsWith(arguments[0])).click()",
        name,
    )
    browser.element(".rooms a.room")


def register(browser: Browser, url: str, name: str, email: str) -> None:
    """Make an account with the keyboard alone, as someone does who never touches a mouse."""
    browser.go(url + "/")
    browser.click(".turn .link")
    browser.type("#name", name)
    browser.type("#email", email)
    browser.type("#password", PASSWORD + ENTER)
    browser.element(".rooms a.room")


def open_room(browser: Browser, slug: str) -> None:
    """Open a room, joining it where that is needed."""
    browser.run("location.hash = `#/rooms/${arguments[0]}`", slug)
    browser.until(
        lambda: browser.run(
            "return document.querySelector('.room-head .hint')?.innerText.includes(`#${arguments[0]}`)", slug
        ),
        f"room {slug}",
    )
    script = "return document.querySelector('#message') ? 'in' : document.querySelector('.conversation .empty .primary') ? 'out' : null"
    if browser.until(lambda: browser.run(script), f"the door of {slug}") == "out":
        browser.click(".conversation .empty .primary")
    browser.element("#message")
    on_line(browser)


def on_line(browser: Browser, patience: float = 40) -> None:
    """Wait until the room's socket is open."""
    browser.until(
        lambda: browser.run("return document.querySelector('.conversation')?.dataset.line === 'open'"),
        "an open line",
        patience,
    )


def write(browser: Browser, text: str) -> None:
    """Write a message and send it with Enter."""
    browser.type("#message", text + ENTER)


def last(text: str) -> str:
    """A script: the last message that holds this text."""
    return f"[...document.querySelectorAll('.message')].findLast((one) => one.innerText.includes({text!r}))"


def press_tool(browser: Browser, text: str, name: str) -> None:
    """Use a control of a message."""
    browser.until(lambda: browser.run(f"return {last(text)} !== undefined"), text)
    browser.run(f"{last(text)}.querySelector('[aria-label=\"{name}\"]').click()")


def answer(browser: Browser, question: str, text: str) -> None:
    """Answer a message."""
    press_tool(browser, question, "Answer this message")
    write(browser, text)


def texts(browser: Browser) -> list[str]:
    """The texts of the messages that have arrived, as the log shows them."""
    return list(browser.run(_TEXTS))


def settle(browser: Browser, wanted: list[str], patience: float = 30) -> list[str]:
    """Wait until all wanted texts are there and nothing is on its way; return what is seen of them, in order."""

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
    time.sleep(0.5)  # a double would come late
    return [text for text in texts(browser) if text in wanted]
