"""Rooms and notifications: messages that the user has seen need no notification."""

from __future__ import annotations

from typing import Final

from apps.chat.tests.browser import steps
from apps.common.tests.browser.journey import Journey
from apps.notifications.tests.browser import steps as notifications
from apps.users.tests.browser import steps as users_steps

UNREAD: Final = "/api/private/v1/notifications/?unread=true"


def notifications_of_seen_messages_are_read(journey: Journey) -> None:
    """A notification of a message that was seen in its room is read, at once or when the console is opened."""
    ada = journey.ada
    token = journey.server.sign_in("ada@example.com", users_steps.DEMO_PASSWORD)

    def unread() -> list[str]:
        page = journey.server.call("GET", UNREAD, token=token).json()["results"]
        return [one["title"] for one in page]

    journey.server.call("POST", "/api/private/v1/notifications/read-all/", token=token, json={})
    notifications.notify(journey, "Seen already", room="lobby", seq=1)
    notifications.notify(journey, "Of a message to come", room="lobby", seq=10**6)
    ada.sees("1", notifications.BADGE)
    assert unread() == ["Of a message to come"]
    assert "Seen already" not in ada.run("return document.querySelector('#announcer').textContent")
    ada.click("#nav-notifications")
    ada.click(".page > .quiet")
    notifications.none_unread(ada)
    ada.run("location.href = 'about:blank'")
    notifications.notify(journey, "Seen before this page was open", room="lobby", seq=1)
    ada.go(journey.server.url + "/#/rooms/lobby")
    steps.connected(ada)
    ada.until(lambda: unread() == [], "no unread notification")
    assert ada.complaints() == []
