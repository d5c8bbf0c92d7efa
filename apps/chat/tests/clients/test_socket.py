"""The chat socket of generated Python clients, against a real server that closes it with every code."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import httpx
import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from apps.chat import asyncapi, protocol, services
from apps.chat.clients.python import outbox
from apps.chat.clients.python.chat import ChatSocket
from apps.chat.clients.python.outbox import ChatRefused
from apps.chat.clients.runtime import RUNTIME
from apps.chat.live.hub import hubs
from apps.chat.models import Message, Room
from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.client_runtime.python import reconnecting_socket as sockets
from apps.common.client_runtime.python.reconnecting_socket import CloseCode, SocketStopped, State
from apps.common.testing.client_sockets import Listener, readme_example, run, shorten_waits, until
from apps.common.testing.users import UserFactory, client_session, pair_for
from apps.users.clients.python.session import Session, TokenPair
from apps.users.models import User


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch)


@pytest.fixture
def base_url(transactional_db: None, server: Site) -> str:
    return f"http://{server.host}"


@pytest.fixture
def room(transactional_db: None) -> Room:
    return RoomFactory.create()


def cut(code: int) -> None:
    """Close every socket from the server."""
    for hub in hubs.list_all():
        for subscriber in list(hub.sockets):
            subscriber._loop.call_soon_threadsafe(subscriber.close, code)


def messages(listener: Listener) -> list[tuple[int, str]]:
    return [(frame["seq"], frame["message"]) for frame in listener.of_type("message")]


def test_two_members_exchange_messages(base_url: str, room: Room) -> None:
    ada, grace = (
        client_session(base_url, member_of(room, name="Ada")),
        client_session(base_url, member_of(room, name="Grace")),
    )

    async def scenario() -> None:
        async with ChatSocket(ada, room.slug) as one, ChatSocket(grace, room.slug) as other:
            received, seen = Listener(one), Listener(other)
            await until(lambda: one.state is State.OPEN and other.state is State.OPEN)
            ack = await one.send("hello")
            assert (ack["type"], ack["seq"]) == ("ack", 1)
            await other.typing()
            await other.read(1)
            kinds = lambda: {frame["type"] for frame in received.frames}  # noqa: E731
            await until(lambda: {"ack", "message", "typing", "read"} <= kinds())
            await until(lambda: messages(seen) == [(1, "hello")])
            assert one.unsent == ()
        assert one.state is State.STOPPED
        await asyncio.gather(received.task, seen.task)

    run(scenario)


def test_the_example_of_the_readme_shows_your_own_message(base_url: str, room: Room) -> None:
    example = readme_example(RUNTIME, "apps.chat.clients.python.chat").replace('"lobby"', f'"{room.slug}"')
    printed: list[tuple[Any, ...]] = []
    names: dict[str, Any] = {
        "session": client_session(base_url, member_of(room, name="Ada")),
        "print": lambda *values: printed.append(values),
    }
    exec(example, names)

    async def scenario() -> None:
        task = asyncio.create_task(names["chat_in_lobby"]())
        await until(lambda: printed == [(1, "Ada", "hello")])
        task.cancel()
        await asyncio.wait([task])

    run(scenario)


def test_say_is_a_deprecated_name_of_send(base_url: str, room: Room) -> None:
    session = client_session(base_url, member_of(room))

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            with pytest.warns(DeprecationWarning, match="use send"):
                acknowledged = socket.say("hello")
            assert (await acknowledged)["seq"] == 1

    run(scenario)


def test_every_close_code_of_the_protocol_is_known() -> None:
    told = {int(code) for code in asyncapi.document()["x-close-codes"]}
    assert told - {*CloseCode} == {1007, 1011}
    assert {1007, 1009, 1011, 1012, 4401} == told - sockets._FINAL - sockets._SLOW


@pytest.mark.parametrize("code", [1009, 1011, 1012, 1013, 4429])
def test_it_reconnects_without_losing_or_repeating_messages(base_url: str, room: Room, code: int) -> None:
    ada, grace = client_session(base_url, member_of(room)), client_session(base_url, member_of(room))
    states: list[tuple[State, int]] = []

    async def scenario() -> None:
        on_state = lambda state, code: states.append((state, code))  # noqa: E731
        async with (
            ChatSocket(ada, room.slug, on_state=on_state) as one,
            ChatSocket(grace, room.slug) as other,
        ):
            received = Listener(one)
            await until(lambda: one.state is State.OPEN and other.state is State.OPEN)
            await one.send("before")
            cut(code)
            await until(lambda: State.WAITING in {state for state, _ in states})
            # Sent while disconnected: kept, and sent in order.
            acknowledged = [one.post(f"from here {n}") for n in range(3)]
            assert [draft["message"] for draft in one.unsent] == [f"from here {n}" for n in range(3)]
            await other.send("from there")
            acks = await asyncio.gather(*acknowledged)
            await one.send("after")
            await until(lambda: len(messages(received)) == 6)
            assert [seq for seq, _ in messages(received)] == [1, 2, 3, 4, 5, 6]
            assert [ack["seq"] for ack in acks] == sorted(ack["seq"] for ack in acks)
            assert one.seq == 6

    run(scenario)
    assert (State.WAITING, code) in states
    assert Message.objects.filter(room=room).count() == 6


def change_in_a_thread(room: Room, author: User, edited: int, deleted: int) -> None:
    """Edit one message of a room and delete another one, by number."""
    try:
        ids = dict(Message.objects.filter(room=room).values_list("seq", "pk"))
        services.edit_message(actor_id=author.pk, slug=room.slug, message_id=ids[edited], text="edited")
        services.delete_message(actor_id=author.pk, slug=room.slug, message_id=ids[deleted])
    finally:
        connection.close()


def changes(listener: Listener) -> list[tuple[str, int, int]]:
    return [(frame["type"], frame["change"], frame["seq"]) for frame in listener.of_type("edited", "deleted")]


def test_missed_edits_and_deletions_arrive_once(base_url: str, room: Room) -> None:
    ada = member_of(room)
    session = client_session(base_url, ada)

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            received = Listener(socket)
            for text in ("one", "two", "three"):
                await socket.send(text)
            await asyncio.to_thread(change_in_a_thread, room, ada, 1, 1)
            told = [("edited", 1, 1), ("deleted", 2, 1)]
            await until(lambda: changes(received) == told)
            assert (socket.seq, socket.change) == (3, 2)
        # Another socket with the same numbers receives the rest, and only that.
        await asyncio.to_thread(change_in_a_thread, room, ada, 2, 3)
        async with ChatSocket(session, room.slug, after=socket.seq, changes=socket.change) as later:
            received = Listener(later)
            await until(lambda: changes(received) == [("edited", 3, 2), ("deleted", 4, 3)])
            cut(1012)
            await later.send("four")
            await until(lambda: messages(received) == [(4, "four")])
            assert changes(received) == [("edited", 3, 2), ("deleted", 4, 3)]
            assert (later.seq, later.change) == (4, 4)
        # A socket that knows only a message receives what follows it; the welcome's number does not count.
        async with ChatSocket(session, room.slug, after=4) as old:
            received = Listener(old)
            await until(lambda: [change for _, change, _ in changes(received)] == [2, 3, 4])

    run(scenario)


def test_unsent_messages_of_an_earlier_socket_are_stored_once(base_url: str, room: Room) -> None:
    session = client_session(base_url, member_of(room))

    async def scenario() -> None:
        one = ChatSocket(session, room.slug)
        acknowledged = one.post("kept")
        kept = one.unsent
        await one.close()
        with pytest.raises(SocketStopped):
            await acknowledged
        # Sent by two sockets, as after a crash before the acknowledgement.
        for _ in range(2):
            async with ChatSocket(session, room.slug, unsent=kept) as again:
                await until(lambda: again.unsent == ())
        async with ChatSocket(session, room.slug, after=0) as reader:
            received = Listener(reader)
            await until(lambda: messages(received) == [(1, "kept")])

    run(scenario)
    assert Message.objects.filter(room=room).count() == 1


def test_a_discarded_message_is_not_sent(base_url: str, room: Room) -> None:
    session = client_session(base_url, member_of(room))
    draft = {"message": "never mind", "client_id": str(uuid.uuid4())}

    async def scenario() -> None:
        async with ChatSocket(session, room.slug, unsent=(draft,)) as socket:
            socket.discard(draft["client_id"])
            assert len(socket.unsent) == 0
            assert (await socket.send("hello"))["seq"] == 1

    run(scenario)
    assert list(Message.objects.values_list("text", flat=True)) == ["hello"]


@pytest.mark.parametrize("code", [4403, 4404, 4406, 4408, 4409])
def test_it_stops_after_a_final_code(base_url: str, room: Room, code: int) -> None:
    session = client_session(base_url, member_of(room))

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            listener = Listener(socket)
            await until(lambda: socket.state is State.OPEN)
            cut(code)
            with pytest.raises(SocketStopped) as stopped:
                await listener.task
            assert stopped.value.code == code
            with pytest.raises(SocketStopped):
                await socket.send("too late")

    run(scenario)
    assert session.is_signed_in is (code != 4408)
    assert not Message.objects.filter(room=room).exists()


def test_a_private_room_and_an_unknown_room_stop_it(base_url: str, room: Room) -> None:
    stranger = client_session(base_url, UserFactory.create())

    async def code_of(slug: str) -> int:
        async with ChatSocket(stranger, slug) as socket:
            with pytest.raises(SocketStopped) as stopped:
                await socket.send("hello")
            return stopped.value.code

    async def scenario() -> None:
        assert await code_of(room.slug) == CloseCode.NOT_A_MEMBER
        assert await code_of("no-such-room") == CloseCode.NO_SUCH_ROOM

    run(scenario)


class Elsewhere(httpx.AsyncHTTPTransport):
    """Sends requests to another server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = httpx.URL(url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host=self._url.host, port=self._url.port)
        return await super().handle_async_request(request)


def test_a_refused_token_is_renewed_once(base_url: str, room: Room, live_server: LiveServer) -> None:
    pair = pair_for(member_of(room))
    session = Session(base_url, async_transport=Elsewhere(live_server.url))
    session.adopt(TokenPair("not.a.token", pair.refresh, 600))

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            assert (await socket.send("hello"))["seq"] == 1

    run(scenario)


def test_a_signed_out_session_stops_it(base_url: str, room: Room) -> None:
    async def scenario() -> None:
        async with ChatSocket(Session(base_url), room.slug) as socket:
            with pytest.raises(SocketStopped) as stopped:
                await socket.send("hello")
            assert stopped.value.code == CloseCode.NOT_AUTHENTICATED

    run(scenario)


def test_a_refused_message_raises_and_the_next_is_sent(
    base_url: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = client_session(base_url, member_of(room))
    monkeypatch.setattr(outbox, "MOST", 1)

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            with pytest.raises(ChatRefused) as refused:
                await socket.send("")
            assert refused.value.code == "invalid_message"
            with pytest.raises(TypeError):
                socket.post("no JSON", at=object())
            socket.post("hello")
            with pytest.raises(ChatRefused, match="too_many_unsent"):
                socket.post("too many")
            await until(lambda: socket.unsent == ())

    run(scenario)


def test_a_message_that_is_too_big_is_refused_and_not_sent_again(base_url: str, room: Room) -> None:
    session = client_session(base_url, member_of(room))
    states: list[tuple[State, int]] = []

    async def scenario() -> None:
        on_state = lambda state, code: states.append((state, code))  # noqa: E731
        async with ChatSocket(session, room.slug, on_state=on_state) as socket:
            await until(lambda: socket.state is State.OPEN)
            acknowledged = [
                socket.post("before"),
                socket.post("x" * protocol.MAX_FRAME),
                socket.post("after"),
            ]
            with pytest.raises(ChatRefused, match="too_big"):
                await acknowledged[1]
            assert [(await acknowledged[n])["seq"] for n in (0, 2)] == [1, 2]

    run(scenario)
    assert states.count((State.WAITING, CloseCode.TOO_BIG)) == 1


def test_an_unknown_protocol_version_stops_it(base_url: str, room: Room) -> None:
    session = client_session(base_url, member_of(room))

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            socket._protocol = "chat.v0"
            with pytest.raises(SocketStopped) as stopped:
                await socket.send("hello")
            assert stopped.value.code == CloseCode.UNKNOWN_VERSION

    run(scenario)
    assert session.is_signed_in


def test_more_messages_than_the_server_allows_at_once_are_sent(
    base_url: str, room: Room, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHAT_FRAMES_PER_SECOND = 8  # 40 at once
    monkeypatch.setattr(outbox, "PER_SECOND", 100)
    monkeypatch.setattr(outbox, "BURST", 20)
    monkeypatch.setattr(outbox, "WINDOW", 8)
    session = client_session(base_url, member_of(room))

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            received = Listener(socket)
            acks = await asyncio.gather(*(socket.post(str(n)) for n in range(39)))
            assert [ack["seq"] for ack in acks] == list(range(1, 40))
            await until(lambda: len(messages(received)) == 39)
            assert messages(received) == [(n + 1, str(n)) for n in range(39)]

    run(scenario)


def test_an_unavailable_message_is_sent_again(
    base_url: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = client_session(base_url, member_of(room))

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            await until(lambda: socket.state is State.OPEN)
            acknowledged = socket.post("hello")
            (draft,) = socket.unsent
            socket._outbox.refuse("unavailable", "Try again later.", draft["client_id"])
            assert socket._outbox._held_until > time.monotonic() + 0.9
            assert not acknowledged.done()
            assert [kept["message"] for kept in socket.unsent] == ["hello"]
            await acknowledged

    run(scenario)


def test_a_gap_is_closed_by_reconnecting(base_url: str, room: Room) -> None:
    session = client_session(base_url, member_of(room))

    async def scenario() -> None:
        async with ChatSocket(session, room.slug) as socket:
            received = Listener(socket)
            await socket.send("one")
            await until(lambda: socket.seq == 1)
            socket.seq = 0  # as if the first had been lost
            await socket.send("two")
            await until(lambda: messages(received) == [(1, "one"), (1, "one"), (2, "two")])

    run(scenario)
