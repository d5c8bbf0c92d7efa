"""apps/chat/docs/broadcast.md: stored, numbered, acknowledged, and delivered by another server process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from websockets.sync.client import ClientConnection, connect

from apps.common.testing.processes import SignedInUser, Site


@contextmanager
def enter(
    site: Site, room: str, user: SignedInUser, *, after: int | None = None
) -> Iterator[ClientConnection]:
    """A socket in a room, its welcome already read."""
    query = "" if after is None else f"?after={after}"
    bearer = {"Authorization": f"Bearer {user.access}"}
    url = f"{site.sockets}/ws/chat/{room}/{query}"
    with connect(url, additional_headers=bearer, ping_interval=None) as socket:
        assert receive(socket, "welcome")["room"] == room
        yield socket


def receive(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Returns the next frame of a type, skipping others."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=10))
        if frame["type"] == kind:
            return frame


def test_a_message_reaches_a_socket_of_another_process(serve: Callable[[], Site]) -> None:
    first, second = serve(), serve()
    ada, grace = first.join("ada"), second.join("grace")
    room = f"flow-{uuid4().hex[:8]}"
    made = first.http.post(
        "/api/private/v1/chat/rooms/", json={"slug": room, "name": "Flow"}, headers=ada.headers
    )
    assert made.status_code == 201, made.text
    assert second.http.post(
        f"/api/private/v1/chat/rooms/{room}/join/", headers=grace.headers
    ).status_code in (200, 204)

    with enter(first, room, ada) as here, enter(second, room, grace) as there:
        client_id = str(uuid4())
        here.send(json.dumps({"message": "hello over there", "client_id": client_id}))
        ack = receive(here, "ack")
        assert (ack["seq"], ack["client_id"]) == (1, client_id)
        message = receive(there, "message")
        assert (message["seq"], message["message"], message["from"]) == (1, "hello over there", ada.id)
        assert message["id"] == ack["id"]

        by_rest = second.http.post(
            f"/api/private/v1/chat/rooms/{room}/messages/",
            json={"message": "and back", "client_id": str(uuid4())},
            headers=grace.headers,
        )
        assert by_rest.status_code == 201, by_rest.text
        assert receive(here, "message")["seq"] == 1  # the sender receives the own message in order, too
        assert receive(here, "message")["message"] == "and back"

    with enter(second, room, ada, after=1) as again:
        assert receive(again, "message")["seq"] == 2
