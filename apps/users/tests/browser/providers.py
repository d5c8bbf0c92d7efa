"""Sign-in with a provider that this journey runs itself, and every failure there."""

from __future__ import annotations

import json
from typing import Any, Final

import pyotp

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER, Browser
from apps.common.tests.browser.journey import Journey
from apps.users.tests.browser import steps
from infrastructure.oauth.tests import provider

_HOB: Final = "hob@example.com"


def a_provider_signs_users_in(journey: Journey) -> None:
    """Users of the provider sign in, link their account, and answer a second factor. Every failure is explained."""
    browser = journey.carol
    with provider.running() as henge:
        journey.server.restart(OIDC_PROVIDERS=json.dumps([henge.row()]))
        henge.claims |= {"sub": "hill-7", "email": "wren@example.com", "name": "Wren Barrow"}
        _begin(browser, journey.server.url)
        inspection.assert_no_faults(browser)
        browser.click(".providers button")
        browser.sees("Wren Barrow", "#header-parts")
        _left_no_trace(browser)
        _sign_out(browser)

        henge.returns = {"code": None, "error": "access_denied", "error_description": "Call 555-0100 now"}
        _is_refused(browser, "Henge denied access.")
        henge.returns = {"code": None, "error": "temporarily_unavailable"}
        _is_refused(browser, "Henge is unavailable.")
        henge.returns = {"state": "another"}
        _is_refused(browser, "This sign-in was not started in this tab")
        henge.returns = {"code": "never given"}
        _is_refused(browser, "Signing in with this provider failed. Begin again.")
        henge.returns = {}
        henge.claims |= {"sub": "hill-8", "email": "ada@example.com"}
        _is_refused(browser, "An account with this address exists.")
        henge.claims |= {"email": "new@example.com", "email_verified": False}
        _is_refused(browser, "The provider has not verified your e-mail address.")
        # A link that an attacker made, to sign the user in to the attacker's account.
        browser.go(f"{journey.server.url}/?oidc=henge&code=theirs&state=theirs&iss={henge.issuer}")
        browser.sees("This sign-in was not started in this tab", ".sign-in .error")
        _left_no_trace(browser)
        browser.complaints()  # errors of the API

        _is_linked_and_asks_for_a_code(journey, browser)
        _is_refused_when_late(browser, henge)
    assert browser.complaints() == []
    journey.server.restart(OIDC_PROVIDERS="")


def _is_linked_and_asks_for_a_code(journey: Journey, browser: Browser) -> None:
    codes = _account_with_a_second_factor(journey)
    browser.type("#email", _HOB)
    browser.type("#password", steps.PASSWORD + ENTER)
    browser.type("#code", codes[0] + ENTER)
    browser.element(steps.SIGNED_IN)
    browser.click("#header-parts .me")
    browser.click("[aria-labelledby=account-providers] .providers button")
    browser.sees("You can now sign in with Henge.")
    assert browser.run("return location.hash") == "#/account"
    _left_no_trace(browser)
    browser.sees("Henge", "[aria-labelledby=account-providers] .entries")
    inspection.assert_no_faults(browser)
    _sign_out(browser)

    browser.click(".providers button")
    browser.sees("Second factor", "#sign-in-title")
    _left_no_trace(browser)
    assert browser.run("return document.activeElement.id") == "code"
    browser.type("#code", codes[1] + ENTER)
    browser.sees("Hob Hurst", "#header-parts")
    browser.click("#header-parts .me")
    browser.click("[aria-labelledby=account-providers] .entries button")
    browser.click("dialog .danger")
    browser.sees("Henge is unlinked.")
    browser.sees("Link Henge", "[aria-labelledby=account-providers]")
    _sign_out(browser)


def _is_refused_when_late(browser: Browser, henge: provider.TestProvider) -> None:
    """An answer that comes too late is refused without a call."""
    browser.run(
        """
        const save = Storage.prototype.setItem;
        Storage.prototype.setItem = function (key, value) {
          save.call(this, key, key === "console.provider" ? JSON.stringify({ ...JSON.parse(value), until: 0 }) : value);
        };
        """
    )
    asked = henge.asked.count("/token")
    _is_refused(browser, "The sign-in took too long. Start again.")
    assert henge.asked.count("/token") == asked


def _account_with_a_second_factor(journey: Journey) -> list[str]:
    """Create an account outside of the browsers. Returns its recovery codes."""
    server = journey.server
    account: dict[str, Any] = {"email": _HOB, "name": "Hob Hurst", "password": steps.PASSWORD}
    server.call("POST", "/api/public/v1/auth/register/", json=account)
    token = server.sign_in(_HOB, steps.PASSWORD)
    path = "/api/private/v1/users/me/second-factor"
    begun = server.call("POST", f"{path}/", token=token, json={"current_password": steps.PASSWORD}).json()
    code = pyotp.TOTP(begun["secret"]).now()
    done = server.call("POST", f"{path}/confirm/", token=token, json={"code": code})
    return list(done.json()["recovery_codes"])


def _begin(browser: Browser, url: str) -> None:
    browser.go(url + "/")
    browser.element(".providers button")
    browser.sees("Continue with Henge", ".providers")


def _is_refused(browser: Browser, words: str) -> None:
    """Go to the provider, and come back without being signed in."""
    browser.run("document.querySelector('.sign-in .general').textContent = ''")
    browser.click(".providers button")
    browser.sees(words, ".sign-in .general")
    assert "555" not in browser.run("return document.body.innerText")
    assert browser.run("return document.activeElement.classList.contains('general')")
    _left_no_trace(browser)


def _left_no_trace(browser: Browser) -> None:
    """Assert that neither code nor state is in the address, and that the stored request is used up."""
    assert browser.run("return location.search") == ""
    assert browser.run("return sessionStorage.getItem('console.provider')") is None


def _sign_out(browser: Browser) -> None:
    browser.click("#header-parts .quiet")
    browser.element(".providers button")
