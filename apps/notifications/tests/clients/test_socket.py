"""The notifications socket of generated Python clients, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from apps.common.client_runtime.python.reconnecting_socket import SocketStopped, State
from apps.common.testing import client_sockets
from apps.common.testing.client_sockets import Listener, readme_example, shorten_waits, until
from apps.common.testing.servers import Site, serving
from apps.common.testing.users import UserFactory, client_session
from apps.notifications import services
from apps.notifications.clients.python.notifications import NotificationsSocket
from apps.notifications.clients.runtime import RUNTIME
from apps.notifications.live import quota
from apps.notifications.live.hub import hubs
from apps.notifications.models import Notification
from apps.users.models import User


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch)


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Site]:
    with serving(Site) as site:
        yield site


@pytest.fixture
def base_url(transactional_db: None, server: Site) -> str:
    return f"http://{server.host}"


def cut(code: int) -> None:
    """Close every socket from the server."""
    for loop, hub in hubs._hubs.items():
        for stream in list(hub._streams):
            loop.call_soon_threadsafe(stream.end, code)


def notify(user: User, *titles: str) -> None:
    for title in titles:
        services.notify(user_id=user.pk, kind="test.sent", title=title)


def notify_in_a_thread(user: User, *titles: str) -> None:
    """As another process would. The thread closes its database connection."""
    try:
        notify(user, *titles)
    finally:
        connection.close()


def titles(listener: Listener) -> list[tuple[int, str]]:
    return [(frame["seq"], frame["title"]) for frame in listener.of_type("notification")]


def unread(listener: Listener) -> list[int]:
    return [frame["unread"] for frame in listener.of_type("welcome", "unread")]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    client_sockets.run(scenario)
    # The server closes its side a moment after the client.
    asyncio.run(until(lambda: quota.count() == 0))


def test_the_example_of_the_readme_prints_notifications(base_url: str) -> None:
    ada = UserFactory.create()
    printed: list[tuple[Any, ...]] = []
    names: dict[str, Any] = {
        "session": client_session(base_url, ada),
        "print": lambda *values: printed.append(values),
    }
    exec(readme_example(RUNTIME, "apps.notifications.clients.python.notifications"), names)

    async def scenario() -> None:
        task = asyncio.create_task(names["print_notifications"]())
        while not printed:  # a notification before the welcome is not replayed
            await asyncio.to_thread(notify_in_a_thread, ada, "hello")
            await asyncio.sleep(0.05)
        assert printed[0][1:] == ("hello", "")
        task.cancel()
        await asyncio.wait([task])

    run(scenario)


@pytest.mark.parametrize("code", [1009, 1012, 1013, 4429])
def test_it_reconnects_without_losing_or_repeating_notifications(base_url: str, code: int) -> None:
    ada = UserFactory.create()
    notify(ada, "long ago")
    session = client_session(base_url, ada)
    states: list[tuple[State, int]] = []

    async def scenario() -> None:
        on_state = lambda state, code: states.append((state, code))  # noqa: E731
        async with NotificationsSocket(session, on_state=on_state) as socket:
            received = Listener(socket)
            await until(lambda: socket.state is State.OPEN)
            await asyncio.to_thread(notify_in_a_thread, ada, "before")
            await until(lambda: titles(received) == [(2, "before")])
            cut(code)
            await until(lambda: (State.WAITING, code) in states)
            await asyncio.to_thread(notify_in_a_thread, ada, "meanwhile", "after")
            await until(lambda: titles(received) == [(2, "before"), (3, "meanwhile"), (4, "after")])
            await until(lambda: unread(received)[-1] == 4)
            assert socket.seq == 4
        await received.task

    run(scenario)


def test_numbers_of_deleted_notifications_are_skipped(base_url: str) -> None:
    ada = UserFactory.create()
    notify(ada, "one", "two", "three")
    Notification.objects.filter(user=ada, seq=2).delete()
    session = client_session(base_url, ada)

    async def scenario() -> None:
        async with NotificationsSocket(session, after=0) as socket:
            received = Listener(socket)
            await until(lambda: titles(received) == [(1, "one"), (3, "three")])
            await until(lambda: unread(received) == [2, 2])

    run(scenario)


@pytest.mark.parametrize(("protocol", "code"), [("notifications.v0", 4406), (None, 4408)])
def test_it_stops_after_a_final_code(base_url: str, protocol: str | None, code: int) -> None:
    session = client_session(base_url, UserFactory.create())

    async def scenario() -> None:
        async with NotificationsSocket(session) as socket:
            socket._protocol = protocol or socket._protocol
            received = Listener(socket)
            if protocol is None:
                await until(lambda: socket.state is State.OPEN)
                cut(code)
            with pytest.raises(SocketStopped) as stopped:
                await received.task
            assert (stopped.value.code, session.is_signed_in) == (code, code != 4408)

    run(scenario)
