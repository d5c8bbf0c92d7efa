"""The links of mails, followed in the browser: an address verified, a forgotten password replaced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import httpx

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER, Browser
from apps.console.tests.browser import steps
from apps.console.tests.browser.chapters import EMAIL

if TYPE_CHECKING:
    from apps.console.tests.browser.journey import Journey

ME: Final = "/api/private/v1/users/me/"
NEW_PASSWORD: Final = "another walk, past other hills"
NEWER_PASSWORD: Final = "a third walk on the same day"
# The journey has no worker: what its task would do is done by hand. The link is then read where a person reads it.
_WELCOME: Final = "services.send_welcome_mail(user_id=user)"
_RESET: Final = "services.send_password_reset_mail(user_id=user, request_id=uuid4())"
_SEND: Final = (
    "from uuid import uuid4; from apps.users import services; from apps.users.models import User; "
    "user = User.objects.values_list('pk', flat=True).get(email='{email}'); {send}"
)


def link(journey: Journey, send: str) -> str:
    """Have a mail sent to Carol; the link in it."""
    journey.server.manage("shell", "-c", _SEND.format(email=EMAIL, send=send))
    mails = httpx.get(f"{journey.server.url}/mails/", trust_env=False).raise_for_status().text
    found = re.search(rf"{re.escape(journey.server.url)}/#[\w-]+=[\w-]+", mails)
    assert found, mails
    return found[0]


def follow(browser: Browser, address: str) -> None:
    """Open a link in a page of its own, as a mail program does."""
    browser.go("about:blank")
    browser.go(address)
    browser.element(".enter #letter-title")


def forgets(browser: Browser, address: str) -> None:
    """The token is neither in the address, nor in the history, nor stored."""
    token = address.partition("=")[2]
    seen = browser.run("return [location.href, JSON.stringify({...sessionStorage, ...localStorage})].join()")
    entries = browser.devtools("Page.getNavigationHistory")["entries"]
    assert token not in seen, seen
    assert not [entry["url"] for entry in entries if token in entry["url"]], entries


def refusals(browser: Browser, *statuses: str) -> None:
    """The browser complained of these answers and of nothing else."""
    complaints = browser.complaints()
    assert len(complaints) == len(statuses), complaints
    for complaint, status in zip(complaints, statuses, strict=True):
        assert f"status of {status}" in complaint, complaints


def audited(browser: Browser) -> None:
    """No fault of accessibility in light and dark, wide and narrow."""
    for scheme in ("light", "dark"):
        browser.prefer(prefers_color_scheme=scheme)
        for width, phone in ((360, True), (1280, False)):
            browser.resize(width, 800, phone=phone)
            assert inspection.accessibility_faults(browser) == [], (scheme, width)
    browser.prefer(prefers_color_scheme="light")


def an_address_is_verified(journey: Journey) -> None:
    """The link of the welcome mail says what came of it, is good once, and leaves no token behind."""
    carol = journey.carol
    carol.complaints()
    token = journey.server.sign_in(EMAIL, steps.PASSWORD)
    assert journey.server.call("GET", ME, token=token).json()["email_verified"] is False
    address = link(journey, _WELCOME)
    follow(carol, address)
    carol.sees("Your address is verified")
    assert carol.run("return document.activeElement.id") == "letter-title"
    assert journey.server.call("GET", ME, token=token).json()["email_verified"] is True
    forgets(carol, address)
    audited(carol)
    carol.click(".enter .primary")
    carol.gives("return document.activeElement.id", "email", "the focus at the entrance")
    assert carol.complaints() == []
    # Into the page as it stands, where nothing is loaded anew.
    carol.go(address)
    carol.sees("Your address was not verified")
    carol.sees("This link is not valid any more: it was followed before, or it is too old.")
    forgets(carol, address)
    refusals(carol, "400")
    carol.run("document.querySelector('.skip').click()")
    carol.sees("Your address was not verified")
    carol.click("#nav-house")
    carol.element("#password")


def a_forgotten_password_is_replaced(journey: Journey) -> None:
    """The same words for every address; a weak password is refused beside its field; the link is good once."""
    carol = journey.carol
    said = []
    carol.type("#email", "nobody@example.com")
    carol.click(".forgot .link")
    assert carol.run("return document.querySelector('#email').value") == "nobody@example.com"
    for address in ("nobody@example.com", EMAIL):
        carol.run("document.querySelector('#email').value = ''")
        carol.type("#email", address + ENTER)
        carol.element(".enter .told")
        said.append(carol.run("return document.querySelector('.enter').innerText"))
    assert said[0] == said[1], said
    assert "If this address has an account, a mail with a link is on its way to it." in said[0]
    audited(carol)
    assert carol.complaints() == []

    address = link(journey, _RESET)
    follow(carol, address)
    forgets(carol, address)
    audited(carol)
    carol.type("#password", EMAIL + ENTER)
    carol.until(
        lambda: carol.run("return document.querySelector('#password-error').textContent"), "a mistake told"
    )
    assert (
        carol.run("return document.activeElement.id + document.activeElement.ariaInvalid") == "passwordtrue"
    )
    assert inspection.accessibility_faults(carol) == []
    refusals(carol, "400")
    carol.run("document.querySelector('#password').value = ''")
    carol.type("#password", NEW_PASSWORD + ENTER)
    carol.sees("Your new password is set. Sign in with it.")
    carol.gives("return document.activeElement.id", "email", "the focus at the entrance")
    audited(carol)
    forgets(carol, address)
    assert carol.complaints() == []

    follow(carol, address)
    carol.type("#password", NEWER_PASSWORD + ENTER)
    carol.sees("The password was not changed")
    refusals(carol, "400")
    carol.click(".enter .primary")
    carol.sees("Forgot your password?", "#enter-title")
    carol.click(".turn .link")
    carol.type("#email", EMAIL)
    carol.type("#password", steps.PASSWORD + ENTER)
    carol.until(lambda: carol.run("return document.querySelector('.general').textContent"), "a refusal")
    refusals(carol, "401")
    carol.run("document.querySelector('#password').value = ''")
    carol.type("#password", NEW_PASSWORD + ENTER)
    carol.element(".rooms a.room")


def a_link_is_followed_while_signed_in(journey: Journey) -> None:
    """The session that is taken up does not hide the link's page; a new password leads out of the session."""
    carol = journey.carol
    follow(carol, f"{journey.server.url}/#verify-email=of-nobody")
    carol.sees("Carol Shaw", "#account")
    carol.sees("Your address was not verified")
    refusals(carol, "400")
    carol.click(".enter .primary")
    carol.element(".rooms a.room")
    follow(carol, link(journey, _RESET))
    carol.sees("Carol Shaw", "#account")
    carol.type("#password", NEWER_PASSWORD + ENTER)
    carol.sees("Your new password is set. Sign in with it.")
    assert carol.run("return document.querySelector('#account').innerText + sessionStorage.length") == "0"
    carol.type("#email", EMAIL)
    carol.type("#password", NEWER_PASSWORD + ENTER)
    carol.element(".rooms a.room")
    assert carol.complaints() == []
