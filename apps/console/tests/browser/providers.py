"""Coming in through a provider outside: one that this journey runs itself, with what it says no to and what goes wrong."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER, Browser
from apps.console.tests.browser import steps
from infrastructure.oauth.tests import provider
from infrastructure.token import totp

if TYPE_CHECKING:
    from apps.console.tests.browser.journey import Journey

_HOB: Final = "hob@example.com"


def a_provider_opens_the_door(journey: Journey) -> None:
    """Who is known to it comes in, is linked, and gives a second factor as well; what proves nothing is told in words."""
    browser = journey.carol
    with provider.running() as henge:
        journey.server.restart(OIDC_PROVIDERS=json.dumps([henge.row()]))
        henge.claims |= {"sub": "hill-7", "email": "wren@example.com", "name": "Wren Barrow"}
        _begin(browser, journey.server.url)
        faults = inspection.accessibility_faults(browser)
        assert faults == [], faults
        browser.click(".doors button")
        browser.sees("Wren Barrow", "#account")
        _left_no_trace(browser)
        _sign_out(browser)

        henge.returns = {"code": None, "error": "access_denied", "error_description": "Call 555-0100 now"}
        _is_refused(browser, "Henge was told not to let you in.")
        henge.returns = {"code": None, "error": "temporarily_unavailable"}
        _is_refused(browser, "Henge cannot let anybody in just now.")
        henge.returns = {"state": "another"}
        _is_refused(browser, "This sign-in was not begun in this tab")
        henge.returns = {"code": "never given"}
        _is_refused(browser, "Signing in with this provider failed. Begin again.")
        henge.returns = {}
        henge.claims |= {"sub": "hill-8", "email": "ada@example.com"}
        _is_refused(browser, "An account with this address exists.")
        henge.claims |= {"email": "new@example.com", "email_verified": False}
        _is_refused(browser, "The provider has not verified your e-mail address.")
        # A link that somebody else has made, to an account of theirs.
        browser.go(f"{journey.server.url}/?oidc=henge&code=theirs&state=theirs&iss={henge.issuer}")
        browser.sees("This sign-in was not begun in this tab", ".enter .mistake")
        _left_no_trace(browser)
        browser.complaints()  # the refusals of the API, which are told above

        _is_linked_and_asks_for_a_code(journey, browser)
        _is_told_when_it_is_away(browser, henge)
    assert browser.complaints() == []


def _is_linked_and_asks_for_a_code(journey: Journey, browser: Browser) -> None:
    codes = _account_with_a_second_factor(journey)
    browser.type("#email", _HOB)
    browser.type("#password", steps.PASSWORD + ENTER)
    browser.type("#code", codes[0] + ENTER)
    browser.element(".rooms a.room")
    browser.click("#account .me")
    browser.click("[aria-labelledby=account-providers] .doors button")
    browser.sees("Henge opens your account from now on.")
    assert browser.run("return location.hash") == "#/account"
    _left_no_trace(browser)
    browser.sees("Henge", "[aria-labelledby=account-providers] .devices")
    assert inspection.accessibility_faults(browser) == []
    _sign_out(browser)

    browser.click(".doors button")
    browser.sees("One more step")
    _left_no_trace(browser)
    assert browser.run("return document.activeElement.id") == "code"
    browser.type("#code", codes[1] + ENTER)
    browser.sees("Hob Hurst", "#account")
    browser.click("#account .me")
    browser.click("[aria-labelledby=account-providers] .devices button")
    browser.click("dialog .danger")
    browser.sees("Henge is unlinked.")
    browser.sees("Link Henge", "[aria-labelledby=account-providers]")
    _sign_out(browser)


def _is_told_when_it_is_away(browser: Browser, henge: provider.TestProvider) -> None:
    """What came back too late is refused here, without a call."""
    browser.run(
        """
        const save = Storage.prototype.setItem;
        Storage.prototype.setItem = function (key, value) {
          save.call(this, key, key === "sarsen.provider" ? JSON.stringify({ ...JSON.parse(value), until: 0 }) : value);
        };
        """
    )
    asked = henge.asked.count("/token")
    _is_refused(browser, "That took too long. Begin again.")
    assert henge.asked.count("/token") == asked


def _account_with_a_second_factor(journey: Journey) -> list[str]:
    """One that no browser has made; its recovery codes."""
    server = journey.server
    account: dict[str, Any] = {"email": _HOB, "name": "Hob Hurst", "password": steps.PASSWORD}
    server.call("POST", "/api/public/v1/auth/register/", json=account)
    token = server.sign_in(_HOB, steps.PASSWORD)
    path = "/api/private/v1/users/me/second-factor"
    begun = server.call("POST", f"{path}/", token=token, json={"current_password": steps.PASSWORD}).json()
    code = totp.code_of(begun["secret"], int(time.time()) // totp.STEP)
    done = server.call("POST", f"{path}/confirm/", token=token, json={"code": code})
    return list(done.json()["recovery_codes"])


def _begin(browser: Browser, url: str) -> None:
    browser.go(url + "/")
    browser.element(".doors button")
    browser.sees("Continue with Henge", ".doors")


def _is_refused(browser: Browser, words: str) -> None:
    """Go there, and come back with nothing."""
    browser.run("document.querySelector('.enter .general').textContent = ''")
    browser.click(".doors button")
    browser.sees(words, ".enter .general")
    assert "555" not in browser.run("return document.body.innerText")
    assert browser.run("return document.activeElement.classList.contains('general')")
    _left_no_trace(browser)


def _left_no_trace(browser: Browser) -> None:
    """Neither code nor state is in the address, and what was left with is used up."""
    assert browser.run("return location.search") == ""
    assert browser.run("return sessionStorage.getItem('sarsen.provider')") is None


def _sign_out(browser: Browser) -> None:
    browser.click("#account .quiet")
    browser.element(".doors button")
