"""Sessions, errors, uploads and the zones of services and admins in Python, against a live server."""

from __future__ import annotations

import base64
import io
import unittest
from contextlib import AbstractContextManager

import admin_client
import internal_client
import public_client
from admin_client.api.users import users_list
from internal_client.api.tokens import tokens_introspect
from internal_client.models import IntrospectionInputRequest
from private_client import Client, ProblemError, Session
from private_client.api.account import users_me, users_me_avatar_set, users_me_update
from private_client.models import AvatarInputRequest, ProfileInputRequest
from private_client.types import File
from public_client.api.auth import auth_register
from public_client.models import RegistrationInputRequest

from users.account import ADMIN_PASSWORD, BASE_URL, PASSWORD, SERVICE_KEY, register, signed_in

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
)


class Calls(unittest.TestCase):
    """From threads."""

    email: str
    client: Client
    session: Session

    @classmethod
    def setUpClass(cls) -> None:
        cls.email = register("Pythia")
        cls.session = signed_in(cls.email)
        cls.client = Client(BASE_URL, session=cls.session)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()

    def refusal(self, code: str) -> AbstractContextManager[object]:
        """Expect a problem with this code."""
        return self.assertRaisesRegex(ProblemError, f"^{code}: ")

    def test_read_and_change(self) -> None:
        renamed = users_me_update.sync(client=self.client, body=ProfileInputRequest(name="Pia"))
        self.assertEqual((renamed.name, users_me.sync(client=self.client).email), ("Pia", self.email))

    def test_invalid_input_is_reported_by_field(self) -> None:
        body = RegistrationInputRequest(email="no address", name="", password=PASSWORD)
        with (
            public_client.Client(BASE_URL) as client,
            self.assertRaises(public_client.ProblemError) as refused,
        ):
            auth_register.sync(client=client, body=body)
        self.assertEqual((refused.exception.status, refused.exception.code), (400, "invalid_input"))
        self.assertEqual(sorted(error.field for error in refused.exception.errors), ["email", "name"])

    def test_upload(self) -> None:
        picture = File(payload=io.BytesIO(PNG), file_name="me.png", mime_type="image/png")
        changed = users_me_avatar_set.sync(client=self.client, body=AvatarInputRequest(avatar=picture))
        self.assertIn("/media/", changed.avatar or "")
        text = File(payload=io.BytesIO(b"not a picture"), file_name="me.png", mime_type="image/png")
        with self.refusal("avatar_refused"):
            users_me_avatar_set.sync(client=self.client, body=AvatarInputRequest(avatar=text))

    def test_services_and_admins_have_clients(self) -> None:
        with internal_client.Client(BASE_URL, service_key=SERVICE_KEY) as service:
            token = self.session.token()
            answer = tokens_introspect.sync(client=service, body=IntrospectionInputRequest(token=token))
            self.assertTrue(answer.active)
        with admin_client.Client(BASE_URL, session=self.session) as admin:
            with self.assertRaisesRegex(admin_client.ProblemError, "permission_denied"):
                users_list.sync(client=admin)

        ada = admin_client.Session(BASE_URL)
        ada.sign_in("ada@example.com", ADMIN_PASSWORD)
        with admin_client.Client(BASE_URL, session=ada) as admin:
            self.assertEqual(users_list.sync(client=admin, search=self.email).results[0].email, self.email)


class AsyncCalls(unittest.IsolatedAsyncioTestCase):
    """From asyncio."""

    async def test_sign_in_call_sign_out(self) -> None:
        email = register("Pythia")
        session = Session(BASE_URL)
        self.assertIsNone(await session.asign_in(email, PASSWORD))
        async with Client(BASE_URL, session=session) as client:
            self.assertEqual((await users_me.asyncio(client=client)).email, email)
            await session.asign_out()
            with self.assertRaisesRegex(ProblemError, "not_authenticated"):
                await users_me.asyncio(client=client)
