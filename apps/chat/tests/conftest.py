"""A server in this process, and people with sockets in its rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import settings

from apps.chat.live.hub import hubs
from apps.common.tests import servers
from apps.common.tests.servers import Socket, wait_until
from apps.users.tests.factories import access_token_for

__all__ = ["Site", "Socket", "serving", "wait_until"]

settings.register_profile("campaign", max_examples=1000, print_blob=True)


class Site(servers.Site):
    """A server with its chat rooms."""

    def url(self, slug: str, query: str = "") -> str:
        return f"ws://{self.host}/ws/chat/{slug}/{query}"

    def handshake(self, slug: str, query: str = "", **options: Any) -> Socket:
        """A socket as it is, nothing read yet."""
        return self.connect(self.url(slug, query), **options)

    def enter(
        self, slug: str, user: Any, *, after: int | None = None, changes: int | None = None, **options: Any
    ) -> Socket:
        """A socket of `user` in a room; its welcome is the next frame."""
        headers = {"Authorization": f"Bearer {access_token_for(user)}"}
        place = {"after": after, "changes": changes}
        query = "&".join(f"{name}={number}" for name, number in place.items() if number is not None)
        return self.handshake(slug, query and f"?{query}", additional_headers=headers, **options)

    def inside(self, slug: str, user: Any, **options: Any) -> Socket:
        """The same with its welcome read."""
        socket = self.enter(slug, user, **options)
        assert socket.frame()["type"] == "welcome"
        return socket


@contextmanager
def serving() -> Iterator[Site]:
    """A server on a free port, with a loop and a hub of its own."""
    with servers.serving(Site) as site:
        yield site


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Site]:
    """One server for the tests of a file; the database is emptied between them, and it does not mind."""
    with serving() as site:
        yield site


@pytest.fixture
def site(transactional_db: None, server: Site) -> Iterator[Site]:
    """The file's server, with the sockets of this test alone."""
    site = Site(server.port)
    yield site
    site.hang_up()
    wait_until(lambda: not any(hub.sockets for hub in hubs.list_all()))


@pytest.fixture
def serve(transactional_db: None) -> Iterator[Callable[[], Site]]:
    """Starts servers; each has a hub of its own, as processes have."""
    stack = []

    def start() -> Site:
        context = serving()
        stack.append(context)
        return context.__enter__()

    yield start
    for context in reversed(stack):
        context.__exit__(None, None, None)
