"""Replay of missed notifications, changes and removals on sockets and event streams."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.common.testing.servers import Site
from apps.common.testing.users import UserFactory, access_token_for
from apps.common.testing.waiting import wait_until
from apps.notifications import selectors, services
from apps.notifications.live import quota, sse, stream
from apps.notifications.tests.streams import STREAM, at_of, enter, frames_of, listen, tell, told_of
from infrastructure import realtime


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
