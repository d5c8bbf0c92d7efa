"""Sockets and event streams of a test server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from apps.common.testing.servers import Site, Socket
from apps.common.testing.users import access_token_for
from apps.notifications import services

STREAM = "/api/private/v1/notifications/stream/"


def handshake(site: Site, query: str = "", **options: Any) -> Socket:
    return site.connect(f"ws://{site.host}/ws/notifications/{query}", **options)


def enter(site: Site, user: Any, query: str = "") -> Socket:
    return handshake(site, query, additional_headers={"Authorization": f"Bearer {access_token_for(user)}"})


@contextmanager
def listen(site: Site, user: Any, **headers: str) -> Iterator[Iterator[tuple[str, dict[str, Any], str]]]:
    """Yields events as (type, data, id)."""
    headers |= {"Authorization": f"Bearer {access_token_for(user)}", "Accept": "text/event-stream"}
    with httpx.Client(base_url=f"http://{site.host}", timeout=10) as http:
        with http.stream("GET", STREAM, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == (
                "no-store",
                "no",
            )

            def events() -> Iterator[tuple[str, dict[str, Any], str]]:
                seen: dict[str, str] = {}
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if line:
                        seen[name] = value
                    elif "data" in seen:
                        yield seen["event"], json.loads(seen["data"]), seen.get("id", "")
                        seen = {}
                    else:
                        seen = {}

            yield events()


def tell(user: Any, title: str = "Hello") -> Any:
    return services.notify(user_id=user.pk, kind="test.kind", title=title)


def told_of(user: Any, key: str) -> Any:
    return services.notify(user_id=user.pk, kind="test.kind", title=key, body="once", key=key)


def frames_of(socket: Socket, last: str) -> list[dict[str, Any]]:
    """Returns the frames after the welcome, up to the first of type `last`."""
    frames = [socket.frame()]
    while frames[-1]["type"] != last:
        frames.append(socket.frame())
    return frames[1:]


def at_of(notification: Any) -> str:
    return str(notification.created_at.isoformat().replace("+00:00", "Z"))
