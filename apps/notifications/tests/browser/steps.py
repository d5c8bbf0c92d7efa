"""Steps with notifications."""

from __future__ import annotations

from typing import Final

from apps.common.tests.browser.driver import Browser
from apps.common.tests.browser.journey import Journey

BADGE: Final = "#nav-notifications .badge"
_NOTIFY: Final = (
    "from apps.notifications import services; from apps.users.models import User; "
    "services.notify(user_id=User.objects.get(email='ada@example.com').pk, kind='test.greeting', "
    "title={title!r}, body='Look, <b>Ada</b>', link='/#/account', data={data!r})"
)


def notify(journey: Journey, title: str, **data: object) -> None:
    """Notify Ada."""
    journey.server.manage("shell", "-c", _NOTIFY.format(title=title, data=data))


def none_unread(browser: Browser) -> None:
    """Wait until nothing is unread."""
    browser.until(lambda: browser.run(f"return document.querySelector('{BADGE}').hidden"), "a hidden badge")
