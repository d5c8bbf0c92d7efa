"""The socket and the event stream on a real server: frames, admission, end."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.api import services as api
from apps.common.testing.servers import Site, serving
from apps.common.testing.users import UserFactory, access_token_for
from apps.notifications import asyncapi, selectors, services
from apps.notifications.live import hub, quota, stream
from apps.notifications.models import Inbox
from apps.notifications.tests.streams import STREAM, enter, handshake, listen, tell
from apps.users.models import Session, SessionEnd
from infrastructure import realtime
from infrastructure.realtime.database_threads import DatabaseThreads


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


@pytest.mark.campaign
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


@pytest.mark.campaign
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
