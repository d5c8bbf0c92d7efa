"""Callers of the private zone of the API."""

from __future__ import annotations

from typing import Any

from django.test import Client

from apps.chat.models import Role, Room
from apps.chat.tests.factories import member_of
from apps.users.models import User
from apps.users.tests.factories import UserFactory, bearer

CHAT = "/api/private/v1/chat/"


class Caller:
    """A user with a client. Calls paths below `root`, or absolute ones."""

    root = CHAT

    def __init__(self, user: User) -> None:
        self.user = user
        self.id = str(user.pk)
        self.headers = bearer(user)
        self.client = Client(raise_request_exception=True)

    def __call__(self, method: str, path: str = "", body: Any = None, **query: Any) -> Any:
        return self.call(method, path if path.startswith(("/", "http")) else self.root + path, body, **query)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        options: dict[str, Any] = {"headers": self.headers}
        if body is not None:
            options |= {"data": body, "content_type": "application/json"}
        elif query:
            options |= {"data": query}
        return getattr(self.client, method.lower())(path, **options)

    def upload(self, room: Room, file: Any) -> Any:
        return self.client.post(f"{CHAT}rooms/{room.slug}/attachments/", {"file": file}, headers=self.headers)

    def say(self, room: Room, message: str, **more: Any) -> Any:
        return self("POST", f"rooms/{room.slug}/messages/", {"message": message, **more})


def new_caller(room: Room | None = None, role: Role = Role.MEMBER, /, **user: Any) -> Caller:
    """A new user with a client, a member of `room` if given."""
    return Caller(UserFactory.create(**user) if room is None else member_of(room, role, **user))


def refused(answer: Any, status: int, code: str) -> None:
    """Assert that the answer is a problem document with this status and code."""
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        status,
        "application/problem+json",
        code,
    )
