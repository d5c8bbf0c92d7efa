"""Someone with an account, who calls the private zone of the API."""

from __future__ import annotations

from typing import Any

from django.test import Client

from apps.chat.models import Role, Room
from apps.chat.tests.factories import member_of
from apps.users.models import User
from apps.users.tests.factories import UserFactory, bearer

CHAT = "/api/private/v1/chat/"


class Person:
    """Calls paths below `chat/`; `call` is for all others."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.id = str(user.pk)
        self.headers = bearer(user)
        self.client = Client(raise_request_exception=True)

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return self.call(method, path if path.startswith(("/", "http")) else CHAT + path, body, **query)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        options: dict[str, Any] = {"headers": self.headers}
        if body is not None:
            options |= {"data": body, "content_type": "application/json"}
        elif query:
            options |= {"data": query}
        return getattr(self.client, method.lower())(path, **options)

    def upload(self, room: Room, file: Any) -> Any:
        """Post a file as a form."""
        return self.client.post(f"{CHAT}rooms/{room.slug}/attachments/", {"file": file}, headers=self.headers)

    def say(self, room: Room, message: str, **more: Any) -> Any:
        """Post a message; the answer."""
        return self("POST", f"rooms/{room.slug}/messages/", {"message": message, **more})


def someone(room: Room | None = None, role: Role = Role.MEMBER, /, **user: Any) -> Person:
    """A new person, in a room perhaps."""
    return Person(UserFactory.create(**user) if room is None else member_of(room, role, **user))


def refused(answer: Any, status: int, code: str) -> None:
    """A problem document with this status and code."""
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        status,
        "application/problem+json",
        code,
    )
