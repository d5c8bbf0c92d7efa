"""Links in mails, followed in the browser: verifying an address, replacing a forgotten password."""

from __future__ import annotations

import re
from typing import Final

import httpx

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER, Browser
from apps.common.tests.browser.journey import Journey
from apps.users.tests.browser import steps
from apps.users.tests.browser.sessions import EMAIL

ME: Final = "/api/private/v1/users/me/"
NEW_PASSWORD: Final = "another walk, past other hills"
NEWER_PASSWORD: Final = "a third walk on the same day"
# The journey has no worker: a command does what the task would do. The link is read on the mail page.
_WELCOME: Final = "services.send_welcome_mail(user_id=user)"
_RESET: Final = "services.send_password_reset_mail(user_id=user, request_id=uuid4())"
_SEND: Final = (
    "from uuid import uuid4; from apps.users import services; from apps.users.models import User; "
    "user = User.objects.values_list('pk', flat=True).get(email='{email}'); {send}"
)


def link(journey: Journey, send: str) -> str:
    """Send a mail to Carol. Returns the link in it."""
    journey.server.manage("shell", "-c", _SEND.format(email=EMAIL, send=send))
    mails = httpx.get(f"{journey.server.url}/mails/", trust_env=False).raise_for_status().text
    found = re.search(rf"{re.escape(journey.server.url)}/#[\w-]+=[\w-]+", mails)
    assert found, mails
    return found[0]


def follow(browser: Browser, address: str) -> None:
    """Open a link in a new page, as a mail program does."""
    browser.go("about:blank")
    browser.go(address)
    browser.element(".sign-in #mail-link-title")


def assert_forgotten(browser: Browser, address: str) -> None:
    """Assert that the token is neither in the address, nor in the history, nor stored."""
    token = address.partition("=")[2]
    seen = browser.run("return [location.href, JSON.stringify({...sessionStorage, ...localStorage})].join()")
    entries = browser.devtools("Page.getNavigationHistory")["entries"]
    assert token not in seen, seen
    assert not [entry["url"] for entry in entries if token in entry["url"]], entries


def an_address_is_verified(journey: Journey) -> None:
    """The link of the welcome mail shows the outcome, works once, and leaves no token behind."""
    carol = journey.carol
    carol.complaints()
    token = journey.server.sign_in(EMAIL, steps.PASSWORD)
    assert journey.server.call("GET", ME, token=token).json()["email_verified"] is False
    address = link(journey, _WELCOME)
    follow(carol, address)
    carol.sees("Your address is verified")
    assert carol.run("return document.activeElement.id") == "mail-link-title"
    assert journey.server.call("GET", ME, token=token).json()["email_verified"] is True
    assert_forgotten(carol, address)
    inspection.assert_accessible(carol)
    carol.click(".sign-in .primary")
    carol.gives("return document.activeElement.id", "email", "the focus on the sign-in card")
    assert carol.complaints() == []
    # The same page: nothing is loaded again.
    carol.go(address)
    carol.sees("Your address was not verified")
    carol.sees("This link is no longer valid. It was used before, or it has expired.")
    assert_forgotten(carol, address)
    inspection.assert_refused(carol, "400")
    carol.run("document.querySelector('.skip').click()")
    carol.sees("Your address was not verified")
    carol.click("#nav-home")
    carol.element("#password")


def a_forgotten_password_is_replaced(journey: Journey) -> None:
    """The same text for every address; a weak password is refused beside its field; the link works once."""
    carol = journey.carol
    shown = []
    carol.type("#email", "nobody@example.com")
    carol.click(".forgot .link")
    assert carol.run("return document.querySelector('#email').value") == "nobody@example.com"
    for address in ("nobody@example.com", EMAIL):
        carol.run("document.querySelector('#email').value = ''")
        carol.type("#email", address + ENTER)
        carol.element(".sign-in .outcome")
        shown.append(carol.run("return document.querySelector('.sign-in').innerText"))
    assert shown[0] == shown[1], shown
    assert "If this address has an account, a mail with a link is on its way to it." in shown[0]
    inspection.assert_accessible(carol)
    assert carol.complaints() == []

    address = link(journey, _RESET)
    follow(carol, address)
    assert_forgotten(carol, address)
    inspection.assert_accessible(carol)
    carol.type("#password", EMAIL + ENTER)
    carol.until(lambda: carol.run("return document.querySelector('#password-error').textContent"), "an error")
    assert (
        carol.run("return document.activeElement.id + document.activeElement.ariaInvalid") == "passwordtrue"
    )
    inspection.assert_no_faults(carol)
    inspection.assert_refused(carol, "400")
    carol.run("document.querySelector('#password').value = ''")
    carol.type("#password", NEW_PASSWORD + ENTER)
    carol.sees("Your new password is set. Sign in with it.")
    carol.gives("return document.activeElement.id", "email", "the focus on the sign-in card")
    inspection.assert_accessible(carol)
    assert_forgotten(carol, address)
    assert carol.complaints() == []

    follow(carol, address)
    carol.type("#password", NEWER_PASSWORD + ENTER)
    carol.sees("The password was not changed")
    inspection.assert_refused(carol, "400")
    carol.click(".sign-in .primary")
    carol.sees("Forgot your password?", "#sign-in-title")
    carol.click(".switch .link")
    carol.type("#email", EMAIL)
    carol.type("#password", steps.PASSWORD + ENTER)
    carol.until(lambda: carol.run("return document.querySelector('.general').textContent"), "a refusal")
    inspection.assert_refused(carol, "401")
    carol.run("document.querySelector('#password').value = ''")
    carol.type("#password", NEW_PASSWORD + ENTER)
    carol.element(steps.SIGNED_IN)


def a_link_is_followed_while_signed_in(journey: Journey) -> None:
    """A session that is resumed does not hide the card of the link. A new password ends the session."""
    carol = journey.carol
    follow(carol, f"{journey.server.url}/#verify-email=unknown")
    carol.sees("Carol Shaw", "#header-parts")
    carol.sees("Your address was not verified")
    inspection.assert_refused(carol, "400")
    carol.click(".sign-in .primary")
    carol.element(steps.SIGNED_IN)
    follow(carol, link(journey, _RESET))
    carol.sees("Carol Shaw", "#header-parts")
    carol.type("#password", NEWER_PASSWORD + ENTER)
    carol.sees("Your new password is set. Sign in with it.")
    assert (
        carol.run("return document.querySelector('#header-parts').innerText + sessionStorage.length") == "0"
    )
    carol.type("#email", EMAIL)
    carol.type("#password", NEWER_PASSWORD + ENTER)
    carol.element(steps.SIGNED_IN)
    assert carol.complaints() == []
