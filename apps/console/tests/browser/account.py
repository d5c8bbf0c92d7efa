"""News and one's own account: what was told is read, a name and a picture change, a second factor is set up and asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER
from apps.console.tests.browser import steps
from infrastructure.token import totp

if TYPE_CHECKING:
    from apps.console.tests.browser.journey import Journey

GRACE: Final = "grace@example.com"
DEMO_PASSWORD: Final = "sarsen-demo-2026"
_TELL: Final = (
    "from apps.notifications import services; from apps.users.models import User; "
    "services.notify(user_id=User.objects.get(email='ada@example.com').pk, kind='chat.mention', "
    "title={title!r}, body='Look, <b>Ada</b>', link='/#/rooms/lobby', data={data!r})"
)
# As where something in between lets no WebSocket through but the rooms'.
_WITHOUT_THE_SOCKET: Final = """
const Real = WebSocket;
globalThis.WebSocket = class {
  constructor(url, protocols) {
    if (!url.includes("/ws/notifications/")) return new Real(url, protocols);
    setTimeout(() => this.onclose?.({ code: 1006 }), 20);
  }
  close() {}
};
"""


def _tell(journey: Journey, title: str, **data: object) -> None:
    journey.server.manage("shell", "-c", _TELL.format(title=title, data=data))


def news_is_told(journey: Journey) -> None:
    """What one is told is counted at once, listed as text, as it comes as well, and leads to where it happened."""
    ada = journey.ada
    _tell(journey, "Grace Hopper named you in Lobby")
    ada.sees("1", "#news-count", patience=3)
    ada.click("#nav-news")
    ada.sees("Grace Hopper named you in Lobby")
    ada.sees("Look, <b>Ada</b>")
    _tell(journey, "Alan Turing answered you in Lobby")
    ada.sees("Alan Turing answered you in Lobby", ".news li:first-child", patience=3)
    ada.sees("News: Alan Turing answered you", "#announcer")
    ada.sees("2", "#news-count")
    assert inspection.accessibility_faults(ada) == []
    ada.click(".news li:last-child a")
    ada.sees("Lobby", ".room-head")
    ada.sees("1", "#news-count")
    ada.click("#nav-news")
    ada.click(".page > .quiet")
    ada.until(lambda: ada.run("return document.querySelector('#news-count').hidden"), "nothing unread")
    steps.open_room(ada, "lobby")
    assert ada.complaints() == []


def news_of_what_was_read_is_read(journey: Journey) -> None:
    """What is told of a message that one has seen in its room counts as read, there and then or when it is opened."""
    ada = journey.ada
    token = journey.server.sign_in("ada@example.com", DEMO_PASSWORD)
    unread = "/api/private/v1/notifications/?unread=true"
    _tell(journey, "Seen already", room="lobby", seq=1)
    _tell(journey, "Of a message to come", room="lobby", seq=10**6)
    ada.sees("1", "#news-count", patience=3)
    left = journey.server.call("GET", unread, token=token).json()["results"]
    assert [one["title"] for one in left] == ["Of a message to come"]
    assert "Seen already" not in ada.run("return document.querySelector('#announcer').textContent")
    ada.click("#nav-news")
    ada.click(".page > .quiet")
    ada.until(lambda: ada.run("return document.querySelector('#news-count').hidden"), "nothing unread")
    ada.run("location.href = 'about:blank'")
    _tell(journey, "Seen before this page was there", room="lobby", seq=1)
    ada.go(journey.server.url + "/#/rooms/lobby")
    steps.on_line(ada)
    ada.until(
        lambda: journey.server.call("GET", unread, token=token).json()["results"] == [], "it counts as read"
    )
    assert ada.complaints() == []


def news_is_asked_for_without_the_socket(journey: Journey) -> None:
    """Where the socket cannot be had, the count is asked for now and then, and when somebody looks."""
    ada = journey.ada
    script = ada.devtools("Page.addScriptToEvaluateOnNewDocument", source=_WITHOUT_THE_SOCKET)
    ada.go(journey.server.url + "/#/rooms/lobby")
    ada.run("location.reload()")
    steps.on_line(ada)
    _tell(journey, "Grace Hopper named you in Lobby")
    ada.run("document.dispatchEvent(new Event('visibilitychange'))")
    ada.sees("1", "#news-count")
    ada.click("#nav-news")
    ada.click(".news .unread a")
    ada.until(lambda: ada.run("return document.querySelector('#news-count').hidden"), "nothing unread")
    ada.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    ada.run("location.reload()")
    steps.on_line(ada)
    assert ada.complaints() == []


def an_account_is_changed(journey: Journey) -> None:
    """A name and a picture are changed, on a phone as well; the header follows."""
    ada = journey.ada
    ada.click("#account .me")
    ada.sees("Signed-in devices")
    ada.sees("this one", "[aria-labelledby=account-devices]")
    for width, phone in ((1280, False), (360, True)):
        ada.resize(width, 800, phone=phone)
        faults = inspection.accessibility_faults(ada)
        assert faults == [], (width, faults)
        assert inspection.fits(ada, width), width
    ada.resize(1280, 800)
    name = "[aria-labelledby=account-profile] #name"
    ada.run(f"const field = document.querySelector('{name}'); field.value = ''; field.focus()")
    ada.type(name, "Ada King" + ENTER)
    ada.sees("Ada King", "#account")
    ada.run(f"document.querySelector('{name}').value = ''")
    ada.type(name, "Ada Lovelace" + ENTER)
    ada.sees("Ada Lovelace", "#account")
    ada.run(
        """
        return (async () => {
          const canvas = Object.assign(document.createElement("canvas"), {width: 128, height: 128});
          canvas.getContext("2d").fillRect(20, 20, 60, 100);
          const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
          const files = new DataTransfer();
          files.items.add(new File([picture], "me.png", {type: "image/png"}));
          const field = document.querySelector("#avatar");
          field.files = files.files;
          field.form.requestSubmit();
        })();
        """
    )
    ada.until(
        lambda: ada.run("return document.querySelector('.portrait img')?.naturalWidth > 0"), "a picture"
    )
    assert ada.complaints() == []
    steps.open_room(ada, "lobby")


def a_second_factor_is_set_up_and_asked_for(journey: Journey) -> None:
    """Set up with an app, confirmed, asked for at the next sign-in: a wrong code leaves one more try, a right one enters."""
    browser = journey.carol
    browser.click("#account .quiet")
    steps.enter_demo(browser, journey.server.url, "grace")
    steps.on_line(browser)
    browser.click("#account .me")
    browser.type("[aria-labelledby=account-second] #owner", DEMO_PASSWORD + ENTER)
    secret = browser.until(
        lambda: browser.run("return document.querySelector('.secret')?.textContent.replaceAll(' ', '')"),
        "a secret",
    )
    assert inspection.accessibility_faults(browser) == []
    browser.type(
        "[aria-labelledby=account-second] #code", totp.code_of(secret, int(time.time()) // totp.STEP) + ENTER
    )
    browser.sees("It is on.")
    codes = browser.run("return [...document.querySelectorAll('.codes code')].map((one) => one.textContent)")
    assert len(codes) == len(set(codes)) > 4, codes
    browser.click("#account .quiet")
    browser.element("#email")
    browser.type("#email", GRACE)
    browser.type("#password", DEMO_PASSWORD + ENTER)
    browser.sees("One more step")
    assert inspection.accessibility_faults(browser) == []
    browser.complaints()
    browser.type("#code", "000000" + ENTER)
    browser.until(
        lambda: browser.run(
            "return [...document.querySelectorAll('.enter .mistake')].some((one) => one.textContent)"
        ),
        "a refusal",
    )
    browser.run("document.querySelector('#code').value = ''")
    browser.type("#code", codes[0] + ENTER)
    browser.element(".rooms a.room")
    browser.complaints()
    browser.click("#account .quiet")
    browser.element("#email")
