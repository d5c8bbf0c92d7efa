"""A server in this process, and sockets in its rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import settings

from apps.chat.live.hub import hubs
from apps.common.testing import servers
from apps.common.testing.servers import Socket
from apps.common.testing.users import access_token_for
from apps.common.testing.waiting import wait_until

__all__ = ["Site", "Socket", "serving"]

settings.register_profile("campaign", max_examples=1000, print_blob=True)


class Site(servers.Site):
    """A server with its chat rooms."""

    def url(self, slug: str, query: str = "") -> str:
        return f"ws://{self.host}/ws/chat/{slug}/{query}"

    def handshake(self, slug: str, query: str = "", **options: Any) -> Socket:
        return self.connect(self.url(slug, query), **options)

    def enter(
        self, slug: str, user: Any, *, after: int | None = None, changes: int | None = None, **options: Any
    ) -> Socket:
        """Connect a socket of `user`. Its welcome is the next frame."""
        headers = {"Authorization": f"Bearer {access_token_for(user)}"}
        place = {"after": after, "changes": changes}
        query = "&".join(f"{name}={number}" for name, number in place.items() if number is not None)
        return self.handshake(slug, query and f"?{query}", additional_headers=headers, **options)

    def inside(self, slug: str, user: Any, **options: Any) -> Socket:
        """`enter`, with the welcome already read."""
        socket = self.enter(slug, user, **options)
        assert socket.frame()["type"] == "welcome"
        return socket


@contextmanager
def serving() -> Iterator[Site]:
    """A server on a free port, with an event loop and a hub of its own."""
    with servers.serving(Site) as site:
        yield site


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Site]:
    """One server for all tests of a file. The database is emptied between them."""
    with serving() as site:
        yield site


@pytest.fixture
def site(transactional_db: None, server: Site) -> Iterator[Site]:
    """The file's server, without sockets of other tests."""
    site = Site(server.port)
    yield site
    site.hang_up()
    wait_until(lambda: not any(hub.sockets for hub in hubs.list_all()))


@pytest.fixture
def serve(transactional_db: None) -> Iterator[Callable[[], Site]]:
    """Starts servers, each with a hub of its own, like processes."""
    stack = []

    def start() -> Site:
        context = serving()
        stack.append(context)
        return context.__enter__()

    yield start
    for context in reversed(stack):
        context.__exit__(None, None, None)


@pytest.fixture(params=[False, True], ids=["plain", "joined"])
def is_joined(request: pytest.FixtureRequest) -> bool:
    """Whether the server supports framed writes."""
    return bool(request.param)
