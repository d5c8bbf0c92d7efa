"""Edits and deletions are numbered in their room, replayed like messages, and found when their push is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.chat import selectors, services
from apps.chat.exceptions import MessageDeleted
from apps.chat.live import hub
from apps.chat.models import Message, Role, Room
from apps.chat.services import messages as messages_module
from apps.chat.tests.callers import Caller, refused
from apps.chat.tests.conftest import Site, Socket
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.types import Draft, Head
from apps.users.models import User
from infrastructure import realtime

LONG_AGO = timezone.now() - timedelta(hours=1)


def post(room: Room, user: User, *texts: str) -> list[UUID]:
    drafts = [Draft(sender_id=user.pk, text=text) for text in texts]
    return [one.id for one in services.post_messages(room_id=room.pk, drafts=drafts).fresh]


def edit(room: Room, user: User, message_id: UUID, text: str, **more: Any) -> None:
    services.edit_message(actor_id=user.pk, slug=room.slug, message_id=message_id, text=text, **more)


def delete(room: Room, user: User, message_id: UUID, **more: Any) -> None:
    services.delete_message(actor_id=user.pk, slug=room.slug, message_id=message_id, **more)


def numbers_in(room: Room) -> list[tuple[int, int | None, int | None]]:
    """Returns (seq, change, changed_at_head) of each message."""
    return list(
        Message.objects.filter(room=room).order_by("seq").values_list("seq", "change", "changed_at_head")
    )


def heads(room: Room) -> Head:
    return selectors.list_heads(room_ids=[room.pk])[room.pk]


def changes(socket: Socket, count: int) -> list[tuple[str, int, int, str | None]]:
    """Returns the next changes as (type, change, seq, text)."""
    frames = [socket.next("edited", "deleted") for _ in range(count)]
    return [(one["type"], one["change"], one["seq"], one.get("message")) for one in frames]


@pytest.mark.django_db
def test_edits_and_deletions_take_the_next_numbers_of_their_room() -> None:
    room, other = RoomFactory.create(), RoomFactory.create()
    ada = member_of(room)
    services.join_room(actor_id=ada.pk, slug=other.slug)
    first, second = post(room, ada, "one", "two")
    (elsewhere,) = post(other, ada, "other")
    edit(room, ada, first, "one!")
    edit(room, ada, first, "one!!")
    post(room, ada, "three")
    delete(room, ada, second)
    delete(room, ada, second)  # already deleted
    with pytest.raises(MessageDeleted):
        edit(room, ada, second, "too late")
    edit(other, ada, elsewhere, "other!")
    assert numbers_in(room) == [(1, 2, 2), (2, 3, 3), (3, None, None)]
    assert (heads(room), heads(other)) == (Head(3, 3), Head(1, 1))


@pytest.mark.django_db
def test_deleting_all_messages_of_an_account_numbers_each() -> None:
    room, other = RoomFactory.create(), RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    services.join_room(actor_id=ada.pk, slug=other.slug)
    post(room, ada, "1")
    (hers,) = post(room, grace, "2")
    post(room, ada, "3")
    post(other, ada, "4")
    edit(room, grace, hers, "2!")
    assert services.delete_messages_of(user_id=ada.pk) == 3
    assert services.delete_messages_of(user_id=ada.pk) == 0
    assert numbers_in(room) == [(1, 2, 3), (2, 1, 3), (3, 3, 3)]
    assert (heads(room), heads(other)) == (Head(3, 3), Head(1, 1))


@pytest.mark.django_db
def test_a_change_costs_one_statement_and_posting_none() -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    with CaptureQueriesContext(connection) as posting:
        (message_id,) = post(room, ada, "one")
    with CaptureQueriesContext(connection) as editing:
        edit(room, ada, message_id, "one!")
    with CaptureQueriesContext(connection) as deleting:
        delete(room, ada, message_id)

    def about_numbers(captured: CaptureQueriesContext) -> int:
        return sum("changes = changes + " in one["sql"] for one in captured.captured_queries)

    assert [about_numbers(one) for one in (posting, editing, deleting)] == [0, 1, 1]
    assert len(posting) == 1


def test_parallel_changes_take_distinct_numbers(transactional_db: None) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    ids = post(room, ada, *map(str, range(8)))

    def change(number: int) -> None:
        try:
            if number % 2:
                delete(room, ada, ids[number])
            else:
                edit(room, ada, ids[number], "changed")
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(change or 0 for _, change, _ in numbers_in(room)) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert heads(room) == Head(8, 8)


def test_a_reconnected_socket_gets_missed_edits_and_deletions(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    ids = post(room, ada, *map(str, range(1, 131)))
    socket = site.enter(room.slug, grace, after=0)
    assert socket.frame()["change"] == 0
    assert len(socket.messages(130)) == 130
    socket.connection.close()
    delete(room, ada, ids[9])
    edit(room, ada, ids[19], "twenty")
    post(room, ada, "131")
    delete(room, ada, post(room, ada, "132")[0])
    back = site.enter(room.slug, grace, after=130)
    welcome = back.frame()
    assert (welcome["seq"], welcome["change"]) == (132, 3)
    # Changes of known messages come first; missing messages come as they are now.
    assert changes(back, 2) == [("deleted", 1, 10, None), ("edited", 2, 20, "twenty")]
    assert [(one["seq"], one.get("change"), one.get("deleted")) for one in back.messages(2)] == [
        (131, None, None),
        (132, 3, True),
    ]
    edit(room, ada, ids[0], "one")
    assert changes(back, 1) == [("edited", 4, 1, "one")]
    assert back.is_quiet("edited", "deleted", "message")


def test_the_changes_parameter_makes_the_replay_exact(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    ids = post(room, ada, "one", "two", "three")
    for id_ in ids:
        edit(room, ada, id_, "changed")
    edit(room, ada, ids[0], "changed again")
    exact = site.inside(room.slug, ada, after=3, changes=2)
    assert changes(exact, 2) == [("edited", 3, 3, "changed"), ("edited", 4, 1, "changed again")]
    nothing = site.inside(room.slug, ada, after=3, changes=4)
    assert nothing.is_quiet("edited", "deleted", "message")
    # Changes of replayed messages are not sent.
    anew = site.inside(room.slug, ada, after=1, changes=0)
    assert changes(anew, 1) == [("edited", 4, 1, "changed again")]
    assert [one["message"] for one in anew.messages(2)] == ["changed", "changed"]
    by_changes_alone = site.inside(room.slug, ada, changes=3)
    assert changes(by_changes_alone, 1) == [("edited", 4, 1, "changed again")]


def test_changes_before_the_last_seen_message_are_not_replayed(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    first, second = post(room, ada, "one", "two")
    edit(room, ada, first, "seen", now=LONG_AGO)
    post(room, ada, "three")
    edit(room, ada, second, "made at number 3", now=LONG_AGO)
    assert changes(site.inside(room.slug, ada, after=3), 1) == [("edited", 2, 2, "made at number 3")]
    post(room, ada, "four")
    late = site.inside(room.slug, ada, after=4)
    assert late.is_quiet("edited", "deleted")
    # A recent change may reach the socket after the next message.
    edit(room, ada, first, "under way")
    post(room, ada, "five")
    assert changes(site.inside(room.slug, ada, after=5), 1) == [("edited", 3, 1, "under way")]


def test_invalid_numbers_are_refused_by_name(site: Site) -> None:
    room = RoomFactory.create()
    socket = site.enter(room.slug, member_of(room), after=1, changes=10**19)
    assert socket.frame()["type"] == "welcome"
    assert socket.next("error")["detail"] == "changes is the number of a change."


def test_a_lost_change_is_found_by_the_next_one_and_by_the_sweep(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    first, second = post(room, ada, "one", "two")
    socket = site.inside(room.slug, ada)
    with monkeypatch.context() as lossy:
        lossy.setattr(realtime, "push_to_room", lambda room_id, event: None)
        edit(room, ada, first, "lost")
        edit(room, ada, first, "lost again")
    delete(room, ada, second)
    assert changes(socket, 2) == [("edited", 2, 1, "lost again"), ("deleted", 3, 2, None)]
    with monkeypatch.context() as lossy:
        lossy.setattr(realtime, "push_to_room", lambda room_id, event: None)
        delete(room, ada, first)
    assert changes(socket, 1) == [("deleted", 4, 1, None)]  # within SWEEP_EVERY


def test_a_batch_of_deletions_is_one_push(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_module, "_BATCH", 4)
    pushed: list[int] = []
    push = realtime.push_to_room

    def counted(room_id: UUID, event: Any) -> None:
        pushed.append(event["change"])
        push(room_id, event)

    monkeypatch.setattr(realtime, "push_to_room", counted)
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    post(room, ada, *map(str, range(1, 11)))
    socket = site.inside(room.slug, grace)
    services.delete_messages_of(user_id=ada.pk)
    told = changes(socket, 10)
    assert [change for _, change, _, _ in told] == list(range(1, 11))
    assert sorted(seq for _, _, seq, _ in told) == list(range(1, 11))
    assert pushed == [4, 8, 10]


def test_two_processes_send_changes_in_the_same_order(
    serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SWEEP_EVERY", 60.0)
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    here, there = serve().inside(room.slug, ada), serve().inside(room.slug, grace)
    ids = post(room, ada, *map(str, range(5)))
    for socket in (here, there):
        socket.messages(5)
    for id_ in ids:
        edit(room, ada, id_, "changed")
        delete(room, ada, id_)
    told = [
        one for n in range(1, 6) for one in (("edited", 2 * n - 1, n, "changed"), ("deleted", 2 * n, n, None))
    ]
    assert changes(here, 10) == told
    assert {one[1:3] for one in changes(there, 5)} <= {one[1:3] for one in told}


@pytest.mark.django_db
def test_rest_lists_changed_messages_by_last_change() -> None:
    room = RoomFactory.create()
    ada = Caller(member_of(room, Role.OWNER))
    ids = post(room, ada.user, "one", "two", "three", "four")
    assert ada("GET", f"rooms/{room.slug}/").json()["change"] == 0
    edit(room, ada.user, ids[2], "three!")
    edit(room, ada.user, ids[0], "one!")
    delete(room, ada.user, ids[2])
    path = f"rooms/{room.slug}/messages/"
    assert ada("GET", f"rooms/{room.slug}/").json()["change"] == 3
    page = ada("GET", path, changed_after=0).json()
    assert [(one["seq"], one["change"], one["message"], one["deleted"]) for one in page["results"]] == [
        (1, 2, "one!", False),
        (3, 3, "", True),
    ]
    assert (page["next"], page["previous"]) == (None, None)
    first = ada("GET", path, changed_after=1, limit=1).json()
    assert [one["change"] for one in first["results"]] == [2]
    rest = ada("GET", first["next"]).json()
    assert ([one["change"] for one in rest["results"]], rest["next"]) == ([3], None)
    assert ada("GET", path, changed_after=3).json()["results"] == []
    assert [one["change"] for one in ada("GET", path).json()["results"]] == [2, None, 3, None]
    refused(ada("GET", path, changed_after=1, after=1), 400, "invalid_input")
    refused(ada("GET", path, changed_after="x"), 400, "invalid_input")
