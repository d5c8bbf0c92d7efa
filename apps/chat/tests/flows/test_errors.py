"""docs/flows/errors.md: a domain exception, raised in a service, as an error frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import uuid4

from apps.chat.tests.flows.test_broadcast import enter, receive
from apps.common.testing.processes import Site


def test_a_domain_error_is_an_error_frame_and_the_socket_stays_open(serve: Callable[[], Site]) -> None:
    site = serve()
    ada = site.join("ada")
    room = f"flow-{uuid4().hex[:8]}"
    site.http.post("/api/private/v1/chat/rooms/", json={"slug": room, "name": "Flow"}, headers=ada.headers)
    with enter(site, room, ada) as socket:
        client_id = str(uuid4())
        socket.send(json.dumps({"message": "", "client_id": client_id}))
        error = receive(socket, "error")
        assert (error["code"], error["client_id"]) == ("invalid_message", client_id)
        socket.send(json.dumps({"type": "ping"}))
        assert receive(socket, "pong") == {"type": "pong"}
