"""The chapters of the notifications slice: the page, the live stream, and polling without it."""

from __future__ import annotations

from typing import Final

from apps.common.tests.browser import inspection
from apps.common.tests.browser.journey import Chapter, Journey
from apps.notifications.tests.browser import steps
from apps.users.tests.browser import steps as users_steps

NEEDS: Final = ("console", "users")
# Closes every WebSocket of notifications with a code. The waits between attempts are random: they are 0 here.
_WITHOUT_THE_SOCKET: Final = """
const Real = WebSocket;
globalThis.attempts = 0;
Math.random = () => 0;
globalThis.WebSocket = class {
  constructor(url, protocols) {
    if (!url.includes("/ws/notifications/")) return new Real(url, protocols);
    attempts += 1;
    setTimeout(() => this.onclose?.({ code: CODE }), 20);
  }
  close() {}
};
"""


def notifications_arrive(journey: Journey) -> None:
    """A notification is counted at once and shown as text, also while the page is open. Its link is followed."""
    ada = journey.ada
    users_steps.sign_in_as_demo(ada, journey.server.url, "ada")
    steps.notify(journey, "Grace Hopper greets you")
    ada.sees("1", steps.BADGE)
    ada.click("#nav-notifications")
    ada.sees("Grace Hopper greets you")
    ada.sees("Look, <b>Ada</b>")
    steps.notify(journey, "Alan Turing greets you")
    ada.sees("Alan Turing greets you", ".notifications li:first-child")
    ada.sees("Notification: Alan Turing greets you", "#announcer")
    ada.sees("2", steps.BADGE)
    inspection.assert_accessible(ada)
    ada.click(".notifications li:last-child a")
    ada.sees("Your account")
    ada.sees("1", steps.BADGE)
    ada.click("#nav-notifications")
    ada.click(".page > .quiet")
    steps.none_unread(ada)
    assert ada.complaints() == []


def notifications_change_and_go_while_the_page_is_open(journey: Journey) -> None:
    """What a notification quotes is edited, then deleted: the list follows."""
    ada = journey.ada
    manage = "from apps.notifications import services; from apps.users.models import User; "
    manage += "ada = User.objects.get(email='ada@example.com'); "
    told = "services.notify(user_id=ada.pk, kind='test.quote', title='A quote', body='first words', key='test:quote')"
    journey.server.manage("shell", "-c", manage + told)
    ada.sees("first words", ".notifications li:first-child")
    journey.server.manage(
        "shell", "-c", manage + "services.revise(key='test:quote', body='other words', keep=[ada.pk])"
    )
    ada.sees("other words", ".notifications li:first-child")
    journey.server.manage("shell", "-c", manage + "services.retract(keys=['test:quote'])")
    ada.until(
        lambda: "A quote" not in ada.run("return document.querySelector('.notifications').innerText"),
        "its end",
    )


def a_reload_stays_on_the_page(journey: Journey) -> None:
    """The page is there again after a reload."""
    ada = journey.ada
    ada.run("location.reload()")
    ada.sees("Alan Turing greets you")
    assert ada.run("return location.hash") == "#/notifications"


def _is_polled(journey: Journey, code: int) -> int:
    """Assert that polling replaces the socket. Returns how often the socket was tried after the page was looked at."""
    ada = journey.ada
    source = _WITHOUT_THE_SOCKET.replace("CODE", str(code))
    script = ada.devtools("Page.addScriptToEvaluateOnNewDocument", source=source)
    ada.run("location.reload()")
    ada.element(users_steps.SIGNED_IN)
    steps.notify(journey, f"Greetings after {code}")
    ada.run("document.dispatchEvent(new Event('visibilitychange'))")
    ada.sees("1", steps.BADGE)
    attempts = int(ada.run("return attempts"))
    ada.click("#nav-notifications")
    ada.run("location.reload()")
    ada.click(".notifications .unread a")
    ada.sees("Your account")
    steps.none_unread(ada)
    ada.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    assert ada.complaints() == []
    return attempts


def without_the_socket_they_are_polled(journey: Journey) -> None:
    """Without the socket the number is requested from time to time, and when the page becomes visible."""
    assert _is_polled(journey, 1006) > 2


def with_too_many_sockets_they_are_polled(journey: Journey) -> None:
    """A socket that is one too many is tried when the page is loaded and when the user looks at it, not over and over."""
    assert _is_polled(journey, 4409) == 2


CHAPTERS: Final[tuple[Chapter, ...]] = (
    notifications_arrive,
    notifications_change_and_go_while_the_page_is_open,
    a_reload_stays_on_the_page,
    without_the_socket_they_are_polled,
    with_too_many_sockets_they_are_polled,
)
