"""Sessions in the browser: registration, sign-in, reloads, duplicated tabs, and their end."""

from __future__ import annotations

from typing import Final

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER, TAB
from apps.common.tests.browser.journey import Journey
from apps.users.tests.browser import steps

EMAIL: Final = "carol@example.com"
# Counts how often the sign-in card was shown.
_COUNT_SIGN_IN_CARDS: Final = """
globalThis.signInCards = 0;
new MutationObserver(() => { if (document.querySelector(".sign-in")) signInCards += 1; })
  .observe(document, { childList: true, subtree: true });
"""


def the_sign_in_card_is_accessible(journey: Journey) -> None:
    """No fault with the card on Home, and the fields are reached in order."""
    ada = journey.ada
    ada.go(journey.server.url + "/")
    ada.element("#password")
    inspection.assert_accessible(ada)
    ada.go("about:blank")
    ada.go(journey.server.url + "/")
    ada.element("#password")
    walk = inspection.focus_walk(ada, TAB, 12)
    assert all(stop["shown"] and stop["inView"] for stop in walk), walk
    assert [stop["id"] for stop in walk if stop["tag"] == "INPUT"] == ["email", "password"], walk


def errors_are_shown_beside_the_field(journey: Journey) -> None:
    """An error is shown beside its field and announced. The typed text stays."""
    carol = journey.carol
    carol.go(journey.server.url + "/")
    carol.click(".switch .link")
    carol.type("#name", "Carol")
    carol.type("#email", "ada@example.com")
    carol.type("#password", steps.PASSWORD + ENTER)
    carol.until(
        lambda: carol.run("return [...document.querySelectorAll('.error')].some((one) => one.textContent)"),
        "an error",
    )
    assert carol.run("return document.querySelector('#email').value") == "ada@example.com"
    inspection.assert_no_faults(carol)
    inspection.assert_refused(carol, "409")


def two_users_sign_in(journey: Journey) -> None:
    """One with a demo account, one by registration. The address has no token, and nothing outlives the tab."""
    steps.sign_in_as_demo(journey.ada, journey.server.url, "ada")
    steps.register(journey.carol, journey.server.url, "Carol Shaw", EMAIL)
    journey.ada.sees("Ada Lovelace", "#header-parts")
    journey.carol.sees("Carol Shaw", "#header-parts")
    for browser in journey.both:
        assert browser.run("return location.search + Object.keys(localStorage).join()") == ""
        assert browser.complaints() == []


def a_duplicated_tab_does_not_end_the_session(journey: Journey) -> None:
    """A duplicated tab starts with a copy of the refresh token. It gives the copy up, and the first tab continues."""
    ada = journey.ada
    first = ada.window()
    ada.run("window.open(location.href)")
    ada.switch(next(window for window in ada.windows() if window != first))
    ada.sees("This tab is a duplicate of another one.")
    ada.close_window()
    ada.switch(first)
    ada.run("location.hash = '#/account'")
    ada.sees("this device", "[aria-labelledby=account-devices]")


def a_session_outlives_its_tokens(journey: Journey) -> None:
    """Tokens expire and are renewed, silently and during reloads. The sign-in card is not shown."""
    ada = journey.ada
    before = ada.run("return sessionStorage.getItem('console.session')")
    ada.run("location.reload()")
    ada.element(steps.SIGNED_IN)
    ada.until(lambda: ada.run("return sessionStorage.getItem('console.session')") != before, "a renewal", 40)
    for _ in range(3):
        ada.run("location.reload()")
        ada.element(steps.SIGNED_IN)
    assert "Ada" in ada.run("return document.querySelector('#header-parts').textContent")


def a_reload_stays_where_it_was(journey: Journey) -> None:
    """Home and the account are there again after a reload, and the sign-in card is not shown meanwhile."""
    ada = journey.ada
    script = ada.devtools("Page.addScriptToEvaluateOnNewDocument", source=_COUNT_SIGN_IN_CARDS)
    for address, words in (("#/", "Welcome, Ada Lovelace"), ("#/account", "Your account")):
        ada.run("location.hash = arguments[0]", address)
        ada.run("location.reload()")
        ada.sees(words)
        assert ada.run("return [location.hash, signInCards]") == [address, 0]
    ada.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    inspection.assert_accessible(ada)


def a_session_ended_elsewhere_ends_here(journey: Journey) -> None:
    """After a sign-out of all devices by another client, the page shows why the user has to sign in again."""
    token = journey.server.sign_in(EMAIL, steps.PASSWORD)
    journey.server.call("POST", "/api/private/v1/users/me/logout-all/", token=token)
    journey.carol.run("location.hash = '#/account'")
    journey.carol.sees("Your session has ended. Please sign in again.")
    journey.carol.element("#email")
    assert journey.carol.run("return sessionStorage.length") == 0
    journey.carol.complaints()


def signing_out_leaves_nothing(journey: Journey) -> None:
    """After signing out the tab has nothing of the session, and the back button does not lead into it."""
    ada = journey.ada
    steps.sign_out(ada)
    assert ada.run("return sessionStorage.length") == 0
    ada.run("history.back()")
    ada.element("#email")
    ada.complaints()
