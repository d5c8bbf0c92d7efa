"""The notifications socket in Python, against a live server."""

from __future__ import annotations

import asyncio
import unittest

import internal_client
from internal_client.api.notifications import notifications_notify
from internal_client.models import NotifyInputRequest
from private_client import NotificationsSocket

from users.account import BASE_URL, SERVICE_KEY, register, signed_in, user_id


class Notifications(unittest.IsolatedAsyncioTestCase):
    """Live ones, and those from before a reconnect."""

    async def test_notifications_arrive_in_order_and_once(self) -> None:
        session = signed_in(register("Pythia"))
        user = user_id(session)
        async with internal_client.Client(BASE_URL, service_key=SERVICE_KEY) as service:

            async def notify(title: str) -> None:
                body = NotifyInputRequest(user=user, kind="test.sent", title=title)
                await notifications_notify.asyncio(client=service, body=body)

            async def titles(socket: NotificationsSocket, unread: int) -> list[tuple[int, str]]:
                """The notifications until so many are unread."""
                received: list[tuple[int, str]] = []
                async for frame in socket.frames():
                    if frame["type"] == "notification":
                        received.append((frame["seq"], frame["title"]))
                    elif frame["type"] == "unread" and frame["unread"] == unread:
                        break
                return received

            async with NotificationsSocket(session) as socket:
                live = asyncio.create_task(titles(socket, 1))
                async for frame in socket.frames():
                    self.assertEqual(frame, {"type": "welcome", "seq": 0, "unread": 0})
                    break
                await notify("one")
                self.assertEqual(await live, [(1, "one")])
            await notify("two")
            await notify("three")
            async with NotificationsSocket(session, after=socket.seq) as socket:
                self.assertEqual(await titles(socket, 3), [(2, "two"), (3, "three")])
