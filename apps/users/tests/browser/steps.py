"""Steps of a user who signs in and out on the console."""

from __future__ import annotations

from typing import Final

from apps.common.tests.browser.driver import ENTER, Browser

PASSWORD: Final = "a long walk past the hills"
DEMO_PASSWORD: Final = "demo-password-2026"
SIGNED_IN: Final = "#header-parts .me"


def sign_in_as_demo(browser: Browser, url: str, name: str) -> None:
    """Sign in with one of the demo accounts that the page offers."""
    browser.go(url + "/")
    browser.element(".demo .chip")
    browser.run(
        "[...document.querySelectorAll('.demo .chip')].find((chip) => chip.textContent.startsWith(arguments[0])).click()",
        name,
    )
    browser.element(SIGNED_IN)


def register(browser: Browser, url: str, name: str, email: str) -> None:
    """Create an account with the keyboard, and thereby sign in."""
    browser.go(url + "/")
    browser.click(".switch .link")
    browser.type("#name", name)
    browser.type("#email", email)
    browser.type("#password", PASSWORD + ENTER)
    browser.element(SIGNED_IN)


def sign_out(browser: Browser) -> None:
    """Sign out by the header."""
    browser.click("#header-parts .quiet")
    browser.element("#email")
