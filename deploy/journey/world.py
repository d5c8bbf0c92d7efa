"""What the steps share: the installation and the people in it."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from deploy.journey.rest import Rest
from deploy.journey.stack import Stack
from deploy.journey.websocket import WebSocket

PUBLIC, PRIVATE, ADMIN, INTERNAL = (f"/api/{zone}/v1" for zone in ("public", "private", "admin", "internal"))


@dataclass
class Person:
    """Somebody with an account. `rest` speaks as them."""

    name: str
    email: str
    password: str
    rest: Rest
    id: str = ""
    refresh: str = ""

    def sign_in(self) -> None:
        """Log in and keep the pair of tokens."""
        body = {"email": self.email, "password": self.password}
        pair = Rest(self.rest.port).expect(200, "POST", f"{PUBLIC}/auth/login/", body).json
        assert pair["token_type"].lower() == "bearer", pair
        self.rest.token, self.refresh = pair["access"], pair["refresh"]


@dataclass
class World:
    """The installation under test, who is in it, and what was agreed on the way."""

    stack: Stack
    room: str = "journey"
    people: dict[str, Person] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    @property
    def nobody(self) -> Rest:
        """Calls without a token."""
        return Rest(self.stack.port)

    def person(self, name: str) -> Person:
        """The person of this name; the first time, one without an account."""
        if name not in self.people:
            email = f"{name}-{secrets.token_hex(3)}@example.com"
            self.people[name] = Person(name, email, secrets.token_urlsafe(18), Rest(self.stack.port))
        return self.people[name]

    def socket(self, person: Person, after: int | None = None, way: str = "header") -> WebSocket:
        """A socket of theirs in the room; the token travels by `header`, `subprotocol` or `query`."""
        path, query, headers = f"/ws/chat/{self.room}/", [], {}
        if after is not None:
            query.append(f"after={after}")
        if way == "header":
            headers["Authorization"] = f"Bearer {person.rest.token}"
        elif way == "subprotocol":
            headers["Sec-WebSocket-Protocol"] = f"bearer, {person.rest.token}"
        else:
            query.append(f"token={person.rest.token}")
            self.tokens.append(person.rest.token)
        return WebSocket(self.stack.port, path + ("?" + "&".join(query) if query else ""), headers=headers)

    def all_messages(self, person: Person) -> list[dict[str, Any]]:
        """Everything that was said in the room, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            last = found[-1]["seq"] if found else 0
            page = person.rest.expect(
                200, "GET", f"{PRIVATE}/chat/rooms/{self.room}/messages/?after={last}&limit=100"
            ).json["results"]
            if not page:
                return found
            found += page


def new_message(text: str) -> dict[str, str]:
    """A message with an id of the client's, which makes sending it twice harmless."""
    return {"message": text, "client_id": str(uuid.uuid4())}
