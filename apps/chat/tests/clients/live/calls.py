"""Rooms, messages and the chat socket in Python, against a live server."""

from __future__ import annotations

import unittest

from private_client import ChatSocket, Client, MessageFrame, ProblemError, Session, apaginate, paginate
from private_client.api.messages import chat_messages_list, chat_messages_post
from private_client.api.rooms import (
    chat_rooms_create,
    chat_rooms_delete,
    chat_rooms_edit,
    chat_rooms_list,
    chat_rooms_read,
)
from private_client.models import MessageInputRequest, RoomChangeInputRequest, RoomInputRequest

from users.account import BASE_URL, PASSWORD, register, signed_in, unique


class Rooms(unittest.TestCase):
    """From threads."""

    client: Client

    @classmethod
    def setUpClass(cls) -> None:
        cls.client = Client(BASE_URL, session=signed_in(register("Pythia")))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()

    def test_create_read_change_delete(self) -> None:
        slug = unique("room")
        made = chat_rooms_create.sync(client=self.client, body=RoomInputRequest(slug=slug, name="First"))
        self.assertEqual((made.slug, made.name), (slug, "First"))
        chat_rooms_edit.sync(slug, client=self.client, body=RoomChangeInputRequest(name="Second"))
        self.assertEqual(chat_rooms_read.sync(slug, client=self.client).name, "Second")
        chat_rooms_delete.sync(slug, client=self.client)
        with self.assertRaisesRegex(ProblemError, "^room_not_found: "):
            chat_rooms_read.sync(slug, client=self.client)

    def test_pages_are_one_sequence(self) -> None:
        slugs = {unique("page") for _ in range(5)}
        for slug in slugs:
            chat_rooms_create.sync(client=self.client, body=RoomInputRequest(slug=slug, name=slug))
        found = [room.slug for room in paginate(chat_rooms_list.sync, client=self.client, limit=2)]
        self.assertLessEqual(slugs, set(found))
        self.assertEqual(len(set(found)), len(found))
        slug = slugs.pop()
        for number in range(1, 6):
            chat_messages_post.sync(slug, client=self.client, body=MessageInputRequest(message=str(number)))
        messages = paginate(chat_messages_list.sync, slug, client=self.client, limit=2, direction="previous")
        self.assertEqual([message.message for message in messages], ["5", "4", "3", "2", "1"])


class Conversation(unittest.IsolatedAsyncioTestCase):
    """From asyncio."""

    async def test_socket_and_pages(self) -> None:
        session = Session(BASE_URL)
        self.assertIsNone(await session.asign_in(register("Pythia"), PASSWORD))
        slug = unique("room")
        async with Client(BASE_URL, session=session) as client:
            await chat_rooms_create.asyncio(client=client, body=RoomInputRequest(slug=slug, name=slug))
            received: list[MessageFrame] = []
            async with ChatSocket(session, slug) as chat:
                frames = chat.frames()
                acknowledged = [chat.post(text) for text in ("one", "two", "three")]
                async for frame in frames:
                    if frame["type"] == "message":
                        received.append(frame)
                        if frame["message"] == "three":
                            break
                self.assertEqual([(await ack)["seq"] for ack in acknowledged], [1, 2, 3])
                self.assertEqual((await chat.send("four"))["seq"], 4)
            self.assertEqual([frame["message"] for frame in received], ["one", "two", "three"])
            numbers = [
                item.seq
                async for item in apaginate(chat_messages_list.asyncio, slug, client=client, limit=2, after=0)
            ]
            self.assertEqual(numbers, [1, 2, 3, 4])
