"""docs/flows/errors.md: a domain exception, raised in a service, as a problem document and as an error frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import uuid4

from config.tests.flows.conftest import PASSWORD, Site
from config.tests.flows.test_broadcast import enter, receive


def test_failures_are_told_in_the_manner_of_each_interface(serve: Callable[[], Site]) -> None:
    site = serve()
    ada = site.join("ada")

    taken = site.http.post(
        "/api/public/v1/auth/register/",
        json={"email": ada.email.upper(), "name": "Another", "password": PASSWORD},
        headers={"X-Request-ID": "flow-errors-1"},
    )
    assert (taken.status_code, taken.headers["Content-Type"]) == (409, "application/problem+json")
    problem = taken.json()
    assert (problem["status"], problem["code"], problem["request_id"]) == (
        409,
        "email_taken",
        "flow-errors-1",
    )
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id", "errors"}

    invalid = site.http.post(
        "/api/public/v1/auth/register/", json={"email": "no address", "password": PASSWORD}
    )
    assert invalid.status_code == 400
    assert {error["field"] for error in invalid.json()["errors"]} == {"email", "name"}

    room = f"flow-{uuid4().hex[:8]}"
    site.http.post("/api/private/v1/chat/rooms/", json={"slug": room, "name": "Flow"}, headers=ada.headers)
    with enter(site, room, ada) as socket:
        client_id = str(uuid4())
        socket.send(json.dumps({"message": "", "client_id": client_id}))
        error = receive(socket, "error")
        assert (error["code"], error["client_id"]) == ("invalid_message", client_id)
        socket.send(json.dumps({"type": "ping"}))
        assert receive(socket, "pong") == {"type": "pong"}
