"""The Python packages against a live server. Checked by `mypy --strict` against them, then run by unittest.

BASE_URL is the server, SERVICE_KEY a key of the internal zone, ADMIN_PASSWORD that of the demo admin.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import unittest
import uuid
from contextlib import AbstractContextManager

import sarsen_admin_client
import sarsen_internal_client
import sarsen_public_client
from sarsen_admin_client.api.users import users_list
from sarsen_internal_client.api.notifications import notifications_notify
from sarsen_internal_client.api.tokens import tokens_introspect
from sarsen_internal_client.models import IntrospectionInputRequest, NotifyInputRequest
from sarsen_private_client import (
    ChatSocket,
    Client,
    MessageFrame,
    NotificationsSocket,
    ProblemError,
    Session,
    apaginate,
    paginate,
)
from sarsen_private_client.api.account import users_me, users_me_avatar_set, users_me_update
from sarsen_private_client.api.messages import chat_messages_list, chat_messages_post
from sarsen_private_client.api.rooms import (
    chat_rooms_create,
    chat_rooms_delete,
    chat_rooms_edit,
    chat_rooms_list,
    chat_rooms_read,
)
from sarsen_private_client.models import (
    AvatarInputRequest,
    MessageInputRequest,
    ProfileInputRequest,
    RoomChangeInputRequest,
    RoomInputRequest,
)
from sarsen_private_client.types import File
from sarsen_public_client.api.auth import auth_register
from sarsen_public_client.models import RegistrationInputRequest

BASE_URL = os.environ["BASE_URL"]
PASSWORD = "a widget circle on the downs"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
)
EMAIL = f"py-{uuid.uuid4().hex[:12]}@example.com"


def unique(name: str) -> str:
    """A slug that nobody has."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def setUpModule() -> None:
    """An account for all."""
    body = RegistrationInputRequest(email=EMAIL, name="Pythia", password=PASSWORD)
    with sarsen_public_client.Client(BASE_URL) as client:
        auth_register.sync(client=client, body=body)


class Calls(unittest.TestCase):
    """From threads."""

    client: Client
    session: Session

    @classmethod
    def setUpClass(cls) -> None:
        cls.session = Session(BASE_URL)
        assert cls.session.sign_in(EMAIL, PASSWORD) is None
        cls.client = Client(BASE_URL, session=cls.session)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()

    def refusal(self, code: str) -> AbstractContextManager[object]:
        """Expect a problem with this code."""
        return self.assertRaisesRegex(ProblemError, f"^{code}: ")

    def test_create_read_change_delete(self) -> None:
        slug = unique("room")
        made = chat_rooms_create.sync(client=self.client, body=RoomInputRequest(slug=slug, name="First"))
        self.assertEqual((made.slug, made.name), (slug, "First"))
        chat_rooms_edit.sync(slug, client=self.client, body=RoomChangeInputRequest(name="Second"))
        self.assertEqual(chat_rooms_read.sync(slug, client=self.client).name, "Second")
        chat_rooms_delete.sync(slug, client=self.client)
        with self.refusal("room_not_found"):
            chat_rooms_read.sync(slug, client=self.client)
        renamed = users_me_update.sync(client=self.client, body=ProfileInputRequest(name="Pia"))
        self.assertEqual((renamed.name, users_me.sync(client=self.client).email), ("Pia", EMAIL))

    def test_what_is_wrong_with_the_input_is_told_by_field(self) -> None:
        with self.assertRaises(ProblemError) as refused:
            chat_rooms_create.sync(client=self.client, body=RoomInputRequest(slug="Not A Slug", name=""))
        self.assertEqual((refused.exception.status, refused.exception.code), (400, "invalid_input"))
        self.assertEqual(sorted(error.field for error in refused.exception.errors), ["name", "slug"])

    def test_upload(self) -> None:
        picture = File(payload=io.BytesIO(PNG), file_name="me.png", mime_type="image/png")
        changed = users_me_avatar_set.sync(client=self.client, body=AvatarInputRequest(avatar=picture))
        self.assertIn("/media/", changed.avatar or "")
        text = File(payload=io.BytesIO(b"not a picture"), file_name="me.png", mime_type="image/png")
        with self.refusal("avatar_refused"):
            users_me_avatar_set.sync(client=self.client, body=AvatarInputRequest(avatar=text))

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
        talk = paginate(chat_messages_list.sync, slug, client=self.client, limit=2, direction="previous")
        self.assertEqual([message.message for message in talk], ["5", "4", "3", "2", "1"])

    def test_services_and_admins_have_clients_too(self) -> None:
        with sarsen_internal_client.Client(BASE_URL, service_key=os.environ["SERVICE_KEY"]) as service:
            token = self.session.token()
            told = tokens_introspect.sync(client=service, body=IntrospectionInputRequest(token=token))
            self.assertTrue(told.active)
        with sarsen_admin_client.Client(BASE_URL, session=self.session) as admin:
            with self.assertRaisesRegex(sarsen_admin_client.ProblemError, "permission_denied"):
                users_list.sync(client=admin)

        ada = sarsen_admin_client.Session(BASE_URL)
        ada.sign_in("ada@example.com", os.environ["ADMIN_PASSWORD"])
        with sarsen_admin_client.Client(BASE_URL, session=ada) as admin:
            self.assertEqual(users_list.sync(client=admin, search=EMAIL).results[0].email, EMAIL)


class AsyncCalls(unittest.IsolatedAsyncioTestCase):
    """From asyncio."""

    async def test_calls_pages_and_a_conversation(self) -> None:
        session = Session(BASE_URL)
        self.assertIsNone(await session.asign_in(EMAIL, PASSWORD))
        slug = unique("talk")
        async with Client(BASE_URL, session=session) as client:
            await chat_rooms_create.asyncio(client=client, body=RoomInputRequest(slug=slug, name=slug))
            heard: list[MessageFrame] = []
            async with ChatSocket(session, slug) as chat:
                frames = chat.frames()
                receipts = [chat.post(text) for text in ("one", "two", "three")]
                async for frame in frames:
                    if frame["type"] == "message":
                        heard.append(frame)
                        if frame["message"] == "three":
                            break
                self.assertEqual([(await receipt)["seq"] for receipt in receipts], [1, 2, 3])
            self.assertEqual([frame["message"] for frame in heard], ["one", "two", "three"])
            messages = [
                item.seq
                async for item in apaginate(chat_messages_list.asyncio, slug, client=client, limit=2, after=0)
            ]
            self.assertEqual(messages, [1, 2, 3])
            await session.asign_out()
            with self.assertRaisesRegex(ProblemError, "not_authenticated"):
                await users_me.asyncio(client=client)

    async def test_notifications_as_they_come_and_after_a_break(self) -> None:
        session = Session(BASE_URL)
        self.assertIsNone(await session.asign_in(EMAIL, PASSWORD))
        async with (
            Client(BASE_URL, session=session) as client,
            sarsen_internal_client.Client(BASE_URL, service_key=os.environ["SERVICE_KEY"]) as service,
        ):
            user = (await users_me.asyncio(client=client)).id

            async def tell(title: str) -> None:
                body = NotifyInputRequest(user=user, kind="test.told", title=title)
                await notifications_notify.asyncio(client=service, body=body)

            async def told(news: NotificationsSocket, count: int) -> list[tuple[int, str]]:
                """What came until so many are unread."""
                came: list[tuple[int, str]] = []
                async for frame in news.frames():
                    if frame["type"] == "notification":
                        came.append((frame["seq"], frame["title"]))
                    elif frame["type"] == "unread" and frame["unread"] == count:
                        break
                return came

            async with NotificationsSocket(session) as news:
                listening = asyncio.create_task(told(news, 1))
                async for frame in news.frames():
                    self.assertEqual(frame, {"type": "welcome", "seq": 0, "unread": 0})
                    break
                await tell("one")
                self.assertEqual(await listening, [(1, "one")])
            await tell("two")
            await tell("three")
            async with NotificationsSocket(session, after=news.seq) as news:
                self.assertEqual(await told(news, 3), [(2, "two"), (3, "three")])


if __name__ == "__main__":
    unittest.main()
