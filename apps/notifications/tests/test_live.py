"""The socket and the event stream on a real server: frames, admission, end."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.api import services as api
from apps.common.tests.servers import Site, Socket, serving, wait_until
from apps.notifications import asyncapi, selectors, services
from apps.notifications.live import hub, quota, sse, stream
from apps.notifications.models import Inbox
from apps.users.models import Session, SessionEnd
from apps.users.tests.factories import UserFactory, access_token_for
from infrastructure import realtime
from infrastructure.realtime.database_threads import DatabaseThreads

STREAM = "/api/private/v1/notifications/stream/"


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Site]:
    with serving(Site) as site:
        yield site


@pytest.fixture
def site(transactional_db: None, server: Site) -> Iterator[Site]:
    site = Site(server.port)
    yield site
    site.hang_up()
    wait_until(lambda: quota.count() == 0)


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


def test_a_socket_gets_a_welcome_and_live_notifications(site: Site) -> None:
    ada, grace = UserFactory.create(), UserFactory.create()
    tell(ada, "before")
    socket = enter(site, ada)
    assert socket.frame() == {"type": "welcome", "seq": 1, "unread": 1}
    tell(grace)
    told = tell(ada, "now")
    at = told.created_at.isoformat().replace("+00:00", "Z")
    assert socket.frame() == selectors.frame(told) | {"at": at}
    assert socket.frame() == {"type": "unread", "unread": 2}
    services.mark_all_read(actor_id=ada.pk)
    assert socket.frame() == {"type": "unread", "unread": 0}
    socket.send(type="ping")
    assert socket.frame() == {"type": "pong"}


def test_a_conversation_matches_the_asyncapi_document_and_uses_all_of_it(site: Site) -> None:
    described = asyncapi.document()["components"]["messages"]
    checkers = {
        name: Draft202012Validator(one["payload"], format_checker=Draft202012Validator.FORMAT_CHECKER)
        for name, one in described.items()
    }
    for name, one in described.items():
        assert checkers[name].is_valid(one["examples"][0]["payload"]), name
    ada = UserFactory.create()
    socket = enter(site, ada)
    seen = {"ping"}

    def until(kind: str) -> None:
        while True:
            frame = socket.frame()
            assert [name for name in checkers if checkers[name].is_valid(frame)] == [frame["type"]]
            seen.add(frame["type"])
            if frame["type"] == kind:
                return

    until("welcome")
    tell(ada)
    until("unread")
    socket.send(type="ping")
    until("pong")
    socket.send(type="nothing")
    until("error")
    services.push_event(user_id=ada.pk, name="test.x", data={"n": 1})
    until("event")
    services.notify(user_id=ada.pk, kind="test.kind", title="Told", body="once", key="test:1")
    until("unread")
    services.revise(key="test:1", body="twice", keep=[ada.pk])
    until("changed")
    services.retract(keys=["test:1"])
    until("removed")
    assert seen == set(described)
    told = asyncapi.document()["x-close-codes"]
    assert {*told} == {"4401", "4406", "4408", "4409", "4429", "1007", "1009", "1011", "1012", "1013"}
    path = "/api/private/notifications/asyncapi.yaml"
    headers = {"Authorization": f"Bearer {access_token_for(ada)}"}
    assert Client().get(path, headers=headers).content.startswith(b"asyncapi: 3.0.0")


def test_a_socket_resumes_after_the_last_number(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PAGE", 3)
    ada = UserFactory.create()
    for number in range(1, 11):
        tell(ada, str(number))
    socket = enter(site, ada, "?after=3")
    assert socket.frame()["seq"] == 10
    assert [socket.frame()["seq"] for _ in range(7)] == list(range(4, 11))
    assert enter(site, ada, "?after=999").frame() == {"type": "welcome", "seq": 10, "unread": 10}
    wrong = enter(site, ada, "?after=x")
    assert (wrong.frame()["type"], wrong.frame()["code"]) == ("welcome", "invalid_frame")


def test_the_unread_count_is_sent_after_a_redundant_nudge(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    ada = UserFactory.create()
    tell(ada)

    async def listen() -> list[Any]:
        threads = DatabaseThreads(1, name="test")
        told = stream.Stream(threads, user_id=ada.pk, session_id=None, after=0)
        seen: list[Any] = []
        try:
            async for frame in told.frames():
                seen.append(frame and frame["type"])
                if frame is None:
                    break
                if frame["type"] == "notification":
                    told.nudge()
        finally:
            await threads.aclose()
        return seen

    assert asyncio.run(listen()) == ["welcome", "notification", "unread", None]


def test_invalid_handshakes_are_closed_with_their_codes(site: Site, settings: Any) -> None:
    ada = UserFactory.create()
    for headers in ({}, {"Authorization": "Bearer x.y.z"}):
        assert handshake(site, additional_headers=headers).close_code() == 4401
    token = access_token_for(ada)
    assert handshake(site, f"?token={token}").frame()["type"] == "welcome"
    offered = handshake(site, subprotocols=["notifications.v1", "bearer", token])
    assert (offered.connection.subprotocol, offered.frame()["type"]) == (
        "notifications.v1",
        "welcome",
    )
    with pytest.raises(InvalidStatus) as refused:
        handshake(site, f"?token={token}", origin="https://evil.example")
    assert refused.value.response.status_code == 403
    settings.NOTIFICATIONS_STREAMS_PER_USER = 2
    assert handshake(site, f"?token={token}").close_code() == 4409
    answer = httpx.get(f"http://{site.host}{STREAM}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_streams")


def test_hostile_frames_are_errors_or_close_the_socket(site: Site) -> None:
    ada = UserFactory.create()
    socket = enter(site, ada)
    socket.next("welcome")
    for text in ("", "[]", "{", '{"type":"notification"}', '{"type":"ping","x":1}', b"\xff"):
        socket.connection.send(text)
        assert socket.frame()["code"] == "invalid_frame"
    socket.connection.send("x" * 1025)
    assert socket.close_code() == 1009
    fast = enter(site, ada)
    with suppress(ConnectionClosed):  # the socket may be closed before the last one is sent
        for _ in range(140):
            fast.send(type="ping")
    assert fast.close_code() == 4429


def test_an_ended_session_ends_its_streams_within_five_seconds(site: Site) -> None:
    ada, grace = UserFactory.create(), UserFactory.create()
    socket, told = enter(site, ada), enter(site, grace)
    socket.next("welcome")
    told.next("welcome")
    with listen(site, ada) as events:
        next(events)
        begun = time.monotonic()
        Session.objects.filter(user=ada).update(ended_at=timezone.now(), end_reason=SessionEnd.LOGOUT)
        assert socket.close_code(timeout=5) == 4408
        assert next(events) == ("end", {"type": "end", "code": 4408}, "")
        assert next(events, None) is None
        assert time.monotonic() - begun < 5
    ended = Session.objects.get(user=grace)
    realtime.publish(f"session:{ended.pk}", {"type": "session.ended"})
    assert told.close_code(timeout=2) == 4408
    assert hub.SWEEP_EVERY < 4


def test_the_sweep_finds_what_redis_lost(site: Site) -> None:
    ada = UserFactory.create()
    socket = enter(site, ada)
    socket.next("welcome")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(realtime, "publish", lambda *_: None)
        tell(ada)
    assert socket.next("notification", timeout=5)["seq"] == 1


def told_of(user: Any, key: str) -> Any:
    return services.notify(user_id=user.pk, kind="test.kind", title=key, body="once", key=key)


def frames_of(socket: Socket, last: str) -> list[dict[str, Any]]:
    """Returns the frames after the welcome, up to the first of type `last`."""
    frames = [socket.frame()]
    while frames[-1]["type"] != last:
        frames.append(socket.frame())
    return frames[1:]


def test_missed_changes_and_removals_are_replayed_before_new_notifications(site: Site) -> None:
    ada = UserFactory.create()
    keys = [f"test:{number}" for number in range(6)]
    told = [told_of(ada, key) for key in keys[:5]]
    socket = enter(site, ada)
    assert socket.frame()["seq"] == 5
    site.hang_up()
    services.revise(key=keys[0], body="twice", keep=[ada.pk])
    services.retract(keys=[keys[1]])
    services.retract(keys=[keys[2]])
    services.revise(key=keys[0], body="thrice", keep=[ada.pk])
    told_of(ada, keys[5])
    services.retract(keys=[keys[5]])
    new = tell(ada, "new")
    services.retract(keys=[keys[4]])
    changed = selectors.frame(told[0]) | {"type": "changed", "body": "thrice", "at": at_of(told[0])}
    assert frames_of(enter(site, ada, "?after=5"), "unread") == [
        {"type": "removed", "ids": [str(told[1].pk), str(told[2].pk)]},
        changed,
        {"type": "removed", "ids": [str(told[4].pk)]},
        selectors.frame(new) | {"at": at_of(new)},
        {"type": "unread", "unread": 3},
    ]
    # Those made before notification 7 was the newest are known to a client that has it.
    assert frames_of(enter(site, ada, "?after=7"), "unread") == [
        {"type": "removed", "ids": [str(told[4].pk)]},
        {"type": "unread", "unread": 3},
    ]


def at_of(notification: Any) -> str:
    return str(notification.created_at.isoformat().replace("+00:00", "Z"))


@pytest.mark.parametrize(
    ("query", "seen"), [("", ["pong"]), ("?after=0", ["pong", "notification", "unread"])]
)
def test_changes_are_not_replayed_to_a_client_that_knows_no_notification(
    site: Site, query: str, seen: list[str]
) -> None:
    ada, grace = UserFactory.create(), UserFactory.create()
    for key in ("test:1", "test:2"):
        told_of(ada, key)
    told_of(grace, "test:3")
    services.revise(key="test:1", body="twice", keep=[ada.pk])
    services.retract(keys=["test:2", "test:3"])
    socket = enter(site, ada, query)
    socket.send(type="ping")
    assert sorted(one["type"] for one in frames_of(socket, seen[-1])) == sorted(seen)
    assert socket.is_quiet()


def test_more_changes_than_a_page_are_replayed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PAGE", 3)
    ada = UserFactory.create()
    told = [told_of(ada, f"test:{number}") for number in range(10)]
    for number in range(10):
        if number % 2:
            services.retract(keys=[f"test:{number}"])
        else:
            services.revise(key=f"test:{number}", body="twice", keep=[ada.pk])
    frames = frames_of(enter(site, ada, "?after=10"), "unread")
    assert [one.get("id") or one["ids"] for one in frames[:-1]] == [
        [str(one.pk)] if number % 2 else str(one.pk) for number, one in enumerate(told)
    ]


def test_the_sweep_finds_changes_that_redis_lost(site: Site) -> None:
    ada = UserFactory.create()
    told_of(ada, "test:1")
    socket = enter(site, ada)
    socket.next("welcome")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(realtime, "publish", lambda *_: None)
        services.revise(key="test:1", body="twice", keep=[ada.pk])
    assert socket.next("changed", timeout=5)["body"] == "twice"


def test_the_event_stream_replays_missed_changes(site: Site) -> None:
    ada = UserFactory.create()
    first, second = told_of(ada, "test:1"), told_of(ada, "test:2")
    services.revise(key="test:1", body="twice", keep=[ada.pk])
    services.retract(keys=["test:2"])
    tell(ada, "new")
    with listen(site, ada, **{"Last-Event-ID": "2"}) as events:
        assert next(events)[0] == "welcome"
        name, data, id_ = next(events)
        assert (name, data["id"], data["body"], id_) == ("changed", str(first.pk), "twice", "")
        assert next(events) == ("removed", {"type": "removed", "ids": [str(second.pk)]}, "")
        assert next(events)[0] == "notification"


def test_the_event_stream_resumes_after_the_last_event(site: Site) -> None:
    ada = UserFactory.create()
    for title in ("one", "two\nlines"):
        tell(ada, title)
    with listen(site, ada, **{"Last-Event-ID": "1"}) as events:
        assert next(events) == ("welcome", {"type": "welcome", "seq": 2, "unread": 2}, "")
        name, data, id_ = next(events)
        assert (name, data["title"], data["seq"], id_) == ("notification", "two\nlines", 2, "2")
        assert next(events)[:2] == ("unread", {"type": "unread", "unread": 2})
        tell(ada, "three")
        assert next(events)[1]["title"] == "three"
    wait_until(lambda: quota.count() == 0)


def test_the_event_stream_occupies_no_thread_and_sends_heartbeats(
    site: Site, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    users = [UserFactory.create() for _ in range(settings.WEB_THREADS + 2)]
    contexts = [listen(site, user) for user in users]
    streams = [context.__enter__() for context in contexts]
    try:
        for events in streams:
            assert next(events)[0] == "welcome"
        assert httpx.get(f"http://{site.host}/healthz", timeout=5).status_code == 200
        headers = {"Authorization": f"Bearer {access_token_for(users[0])}"}
        with httpx.stream("GET", f"http://{site.host}{STREAM}", headers=headers, timeout=5) as answer:
            lines = answer.iter_lines()
            assert ":" in [next(lines) for _ in range(12)]
        for user in users:
            tell(user)
        for events in streams:
            assert next(events)[0] == "notification"
    finally:
        for context in contexts:
            context.__exit__(None, None, None)


def test_a_stopping_server_ends_its_streams_first(transactional_db: None) -> None:
    ada = UserFactory.create()
    with serving(Site) as site:
        socket = enter(site, ada)
        socket.next("welcome")
        context = listen(site, ada)
        events = context.__enter__()
        next(events)
        begun = time.monotonic()
    # `serving` waits for the end of the server, which gives open responses 15 s.
    assert time.monotonic() - begun < 5
    assert next(events) == ("end", {"type": "end", "code": 1012}, "")
    context.__exit__(None, None, None)
    assert quota.count() == 0


def test_the_event_stream_is_guarded_by_its_zone(site: Site) -> None:
    answer = httpx.get(f"http://{site.host}{STREAM}")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    headers = {"Authorization": f"Bearer {access_token_for(UserFactory.create())}"}
    for wrong in ("x", "-1", "9" * 19):
        answer = httpx.get(f"http://{site.host}{STREAM}", headers=headers | {"Last-Event-ID": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert httpx.head(f"http://{site.host}{STREAM}", headers=headers).status_code == 200
    assert quota.count() == 0


@pytest.mark.django_db
def test_without_an_event_loop_the_response_has_new_notifications_and_ends() -> None:
    ada = UserFactory.create()
    for title in ("one", "two"):
        tell(ada, title)
    headers = {"Authorization": f"Bearer {access_token_for(ada)}", "Last-Event-ID": "1"}
    answer: Any = Client().get(STREAM, headers=headers)
    body = b"".join(answer.streaming_content).decode()
    assert body.startswith("retry: 3000\n\nid: 2\nevent: notification\ndata: {")
    assert body.count("event:") == 1


@pytest.mark.django_db
def test_without_an_event_loop_the_response_has_missed_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "PAGE", 2)
    ada = UserFactory.create()
    for number in range(5):
        told_of(ada, f"test:{number}")
    for number in range(5):
        services.revise(key=f"test:{number}", body="twice", keep=[ada.pk])
    for _ in range(3):
        tell(ada)
    headers = {"Authorization": f"Bearer {access_token_for(ada)}", "Last-Event-ID": "5"}
    answer: Any = Client().get(STREAM, headers=headers)
    body = b"".join(answer.streaming_content).decode()
    assert re.findall("event: (.*)", body) == ["changed"] * 5 + ["notification"] * 2


def push_from_transaction(user: Any) -> None:
    with transaction.atomic():
        realtime.push_to_user(user.pk, {"type": "event", "name": "test.x", "data": {}})


def push_from_coroutine(user: Any) -> None:
    async def push() -> None:
        realtime.push_to_user(user.pk, {"type": "event", "name": "test.x", "data": {}})
        # The loop of a test ends with it; that of a server does not.
        await asyncio.gather(*realtime._on_their_way)

    asyncio.run(push())


def push_from_internal_zone(user: Any) -> None:
    headers = {"Authorization": f"Api-Key {api.create_key(name='x', scopes=['*']).plain}"}
    path, body = "/api/internal/v1/notifications/events/", {"user": str(user.pk), "name": "test.x"}
    answer = Client().post(path, body, content_type="application/json", headers=headers)
    assert answer.status_code == 202, answer.content
    for wrong in ({"name": "message"}, {"data": {"x": "y" * 2001}}, {"data": [1]}):
        refused = Client().post(path, body | wrong, content_type="application/json", headers=headers)
        assert refused.status_code == 400


@pytest.mark.parametrize("push", [push_from_transaction, push_from_coroutine, push_from_internal_zone])
def test_pushes_from_anywhere_reach_a_user(site: Site, push: Any) -> None:
    ada = UserFactory.create()
    socket = enter(site, ada)
    socket.next("welcome")
    push(ada)
    assert socket.next("event", timeout=5) == {"type": "event", "name": "test.x", "data": {}}


def test_a_push_is_dropped_with_its_transaction(site: Site) -> None:
    ada = UserFactory.create()
    socket = enter(site, ada)
    socket.next("welcome")

    def fail() -> None:
        with transaction.atomic():
            realtime.push_to_user(ada.pk, {"type": "event", "name": "test.gone", "data": {}})
            tell(ada)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert socket.is_quiet()
    assert not Inbox.objects.exists()
