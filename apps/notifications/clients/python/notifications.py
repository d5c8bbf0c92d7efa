"""What one is told, as it comes (`/ws/notifications/`, protocol `sarsen.notifications.v1`): a socket that comes back.

For asyncio; needs `websockets`. It resumes by `seq`, so that each notification arrives once and in order.
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

_PROTOCOL: Final = "sarsen.notifications.v1"


class NotificationsWelcomeFrame(TypedDict):
    """First after connecting: the newest number, and how many are unread."""

    type: Literal["welcome"]
    seq: int
    unread: int


class NotificationFrame(TypedDict):
    """Something that one is told. `kind` is `<slice>.<what>`; `link` is a path of the site, or empty. `at` is ISO 8601."""

    type: Literal["notification"]
    id: str
    seq: int
    kind: str
    title: str
    body: str
    link: str
    data: dict[str, Any]
    at: str
    read: bool


class UnreadFrame(TypedDict):
    """How many are unread now: behind new ones, and when some were read elsewhere."""

    type: Literal["unread"]
    unread: int


NotificationsFrame = NotificationsWelcomeFrame | NotificationFrame | UnreadFrame | EventFrame | PongFrame


class NotificationsSocket(ReconnectingSocket[NotificationsFrame]):
    """One's notifications, as an asynchronous context manager.

    `after` is the newest number that is known: what came after it is replayed; without it only new ones come. `on_state`
    is told each state and its close code.
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

    def _take(self, frame: NotificationsFrame) -> bool:
        # Numbers that are missing were deleted meanwhile: nothing else leaves one out.
        return frame["type"] != "notification" or self._advance(frame["seq"])
