"""A reconnecting socket for notifications (`/ws/notifications/`, protocol `notifications.v1`), for asyncio.

Needs `websockets`. It resumes after the newest `seq`, so that each notification arrives once and in order. Changes and removals that were missed
are replayed, some of them perhaps again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypedDict

from apps.common.client_runtime.python.reconnecting_socket import (
    EventFrame,
    PongFrame,
    ReconnectingSocket,
    State,
    TokenSource,
)

_PROTOCOL: Final = "notifications.v1"


class NotificationsWelcomeFrame(TypedDict):
    """The first frame of a connection: the newest number, and the number of unread notifications."""

    type: Literal["welcome"]
    seq: int
    unread: int


class _Notification(TypedDict):
    id: str
    seq: int
    kind: str
    title: str
    body: str
    link: str
    data: dict[str, Any]
    at: str
    read: bool


class NotificationFrame(_Notification):
    """A notification. `kind` is `<slice>.<kind>`; `link` is a path of the site, or empty; `at` is ISO 8601."""

    type: Literal["notification"]


class ChangedFrame(_Notification):
    """The text of a notification changed."""

    type: Literal["changed"]


class RemovedFrame(TypedDict):
    """Notifications were deleted, because what they quoted was deleted or the user may no longer read it."""

    type: Literal["removed"]
    ids: list[str]


class UnreadFrame(TypedDict):
    """The number of unread notifications, after new ones and after some were read elsewhere."""

    type: Literal["unread"]
    unread: int


NotificationsFrame = (
    NotificationsWelcomeFrame
    | NotificationFrame
    | ChangedFrame
    | RemovedFrame
    | UnreadFrame
    | EventFrame
    | PongFrame
)


class NotificationsSocket(ReconnectingSocket[NotificationsFrame]):
    """The notifications of the signed-in user, as an asynchronous context manager.

    `after` is the number of the newest known notification: later ones are replayed. Without it, only new ones arrive.
    `on_state` is called with each state and its close code.
    """

    def __init__(
        self,
        session: TokenSource,
        *,
        after: int | None = None,
        on_state: Callable[[State, int], None] | None = None,
    ) -> None:
        super().__init__(
            session, path="/ws/notifications/", protocol=_PROTOCOL, after=after, on_state=on_state
        )

    def _accept(self, frame: NotificationsFrame) -> bool:
        # A missing number is a deleted notification, not a gap.
        return frame["type"] != "notification" or self._advance(frame["seq"])
