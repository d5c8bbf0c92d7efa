"""Callers of the private zone of the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from apps.chat.models import Role, Room
from apps.chat.tests.factories import member_of
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import UserFactory, bearer
from apps.users.models import User

CHAT = "/api/private/v1/chat/"


class Caller(Api):
    """A user with a client. Calls paths below `below`, or absolute ones."""

    below = "chat/"

    def __init__(self, user: User) -> None:
        super().__init__("private", bearer(user), raises=True)
        self.root += self.below
        self.user = user
        self.id = str(user.pk)

    def __call__(self, method: str, path: str = "", body: Any = None, **query: Any) -> Any:
        return self.call(method, f"{path}?{urlencode(query)}" if query else path, body)

    def upload(self, room: Room, file: Any) -> Any:
        return self.client.post(f"{CHAT}rooms/{room.slug}/attachments/", {"file": file}, headers=self.headers)

    def say(self, room: Room, message: str, **more: Any) -> Any:
        return self("POST", f"rooms/{room.slug}/messages/", {"message": message, **more})


def new_caller(room: Room | None = None, role: Role = Role.MEMBER, /, **user: Any) -> Caller:
    """A new user with a client, a member of `room` if given."""
    return Caller(UserFactory.create(**user) if room is None else member_of(room, role, **user))


def refused(answer: Any, status: int, code: str) -> None:
    """Assert that the answer is a problem document with this status and code."""
    assert code_of(answer) == (status, code)
