"""Replies and mentions over REST and in frames."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.chat import selectors, services
from apps.chat.events import MessageNoticed
from apps.chat.models import Membership, Message
from apps.chat.selectors import room_events
from apps.chat.tests.callers import new_caller, refused
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.types import Draft, Posted
from apps.common.models import OutboxEvent

pytestmark = pytest.mark.django_db


def test_a_reply_quotes_the_beginning_of_its_message() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room, name="Ada"), new_caller(room, name="Grace")
    asked = ada.say(room, "What is the time? " + "x" * 200).json()
    answer = grace.say(room, "Noon", reply_to=asked["id"])
    quote = {
        "id": asked["id"],
        "seq": 1,
        "message": asked["message"][:140],
        "from": ada.id,
        "from_name": "Ada",
        "deleted": False,
    }
    assert (answer.status_code, answer.json()["reply_to"]) == (201, quote)
    page = ada("GET", f"rooms/{room.slug}/messages/").json()["results"]
    assert [one["reply_to"] for one in page] == [None, quote]
    assert ada("DELETE", f"rooms/{room.slug}/messages/{asked['id']}/").status_code == 204
    (_, shown) = ada("GET", f"rooms/{room.slug}/messages/").json()["results"]
    assert shown["reply_to"] == quote | {"message": "", "deleted": True}
    late = grace.say(room, "Once more", reply_to=asked["id"])
    assert (late.status_code, late.json()["reply_to"]["deleted"]) == (201, True)


def test_a_reply_to_another_room_is_refused_and_not_posted() -> None:
    room, other = RoomFactory.create(), RoomFactory.create()
    ada = new_caller(room)
    Membership.objects.create(room=other, user=ada.user)
    elsewhere = ada.say(other, "here").json()["id"]
    for target in (elsewhere, str(uuid4())):
        refused(ada.say(room, "there", reply_to=target), 400, "invalid_reply")
    assert not Message.objects.filter(room=room).exists()


def test_a_group_with_one_invalid_reply_stores_the_others() -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    drafts = [
        Draft(sender_id=ada.pk, text="one"),
        Draft(sender_id=ada.pk, text="two", reply_to=uuid4()),
        Draft(sender_id=ada.pk, text="three"),
    ]
    outcomes = services.store_messages(room_id=room.pk, drafts=drafts).outcomes
    assert [one.seq if isinstance(one, Posted) else one.code for one in outcomes] == [1, "invalid_reply", 2]


def test_members_are_mentioned_and_other_ids_are_text() -> None:
    room = RoomFactory.create()
    ada, grace, stranger = new_caller(room), new_caller(room, name="Grace"), new_caller()
    said = ada.say(room, f"<@{grace.id}> and <@{grace.id.upper()}> meet <@{stranger.id}> <@nobody>").json()
    assert said["mentions"] == [{"user": grace.id, "name": "Grace"}]
    (read,) = ada("GET", f"rooms/{room.slug}/messages/").json()["results"]
    assert read == said
    edited = ada("PATCH", f"rooms/{room.slug}/messages/{said['id']}/", {"message": f"<@{ada.id}>"}).json()
    assert [one["user"] for one in edited["mentions"]] == [ada.id]
    assert ada("DELETE", f"rooms/{room.slug}/messages/{said['id']}/").status_code == 204
    assert Message.objects.get().mentions is None


def test_mentions_and_replies_publish_an_event() -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)

    def post(text: str, **more: object) -> Posted:
        draft = Draft(sender_id=ada.pk, text=text, **more)  # type: ignore[arg-type]
        (posted,) = services.post_messages(room_id=room.pk, drafts=[draft]).fresh
        return posted

    plain = post("hello")
    post(f"hello <@{uuid4()}>")
    named, reply = post(f"hello <@{grace.pk}>"), post("well", reply_to=plain.id)
    events = OutboxEvent.objects.filter(name=MessageNoticed.name).order_by("id")
    assert [event.payload["message_id"] for event in events] == [str(named.id), str(reply.id)]


def test_frames_omit_empty_members() -> None:
    room = RoomFactory.create()
    ada = member_of(room, name="Ada")
    plain, full = services.store_messages(
        room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="one"), Draft(sender_id=ada.pk, text="two")]
    ).fresh
    (reply,) = services.store_messages(
        room_id=room.pk,
        drafts=[Draft(sender_id=ada.pk, text=f"<@{ada.pk}>", reply_to=plain.id)],
    ).fresh
    assert room_events.message(plain).keys() & {"reply_to", "attachments", "mentions"} == set()
    frame = room_events.message(reply)
    assert frame["reply_to"] == {
        "id": plain.id,
        "seq": 1,
        "message": "one",
        "from": ada.pk,
        "from_name": "Ada",
        "deleted": False,
    }
    assert frame["mentions"] == [{"user": str(ada.pk), "name": "Ada"}]
    # A replay equals the live messages.
    assert selectors.list_posted_after(room_id=room.pk, after=0, limit=10) == [plain, full, reply]


def test_muted_members_can_read_but_not_post() -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    said = ada.say(room, "before").json()
    client_id = said["client_id"]
    until = timezone.now() + timedelta(hours=1)
    Membership.objects.update(muted_until=until)
    refusal = ada.say(room, "now")
    refused(refusal, 403, "muted")
    told = until.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert refusal.json()["errors"] == [{"field": "muted_until", "code": "muted", "detail": told}]
    refused(ada("PATCH", f"rooms/{room.slug}/messages/{said['id']}/", {"message": "x"}), 403, "muted")
    # An earlier message is acknowledged again and can be deleted.
    assert ada.say(room, "before", client_id=client_id).status_code == 200
    assert ada("GET", f"rooms/{room.slug}/").json()["muted_until"][:19] == told[:19]
    assert list(Message.objects.values_list("text", flat=True)) == ["before"]
    Membership.objects.update(muted_until=timezone.now() - timedelta(seconds=1))
    assert ada.say(room, "after").status_code == 201


def test_deleted_messages_are_not_unread() -> None:
    room = RoomFactory.create()
    ada, grace, outsider = new_caller(room), new_caller(room), new_caller()
    ids = [ada.say(room, f"{n}").json()["id"] for n in range(4)]
    grace("POST", f"rooms/{room.slug}/read/", {"seq": 1})
    for id_ in (ids[0], ids[2], ids[3]):
        assert ada("DELETE", f"rooms/{room.slug}/messages/{id_}/").status_code == 204
    told = {who: who("GET", f"rooms/{room.slug}/").json()["unread"] for who in (ada, grace, outsider)}
    assert told == {ada: 0, grace: 1, outsider: 0}
    (listed,) = grace("GET", "rooms/").json()["results"]
    assert (listed["seq"], listed["read_seq"], listed["unread"]) == (4, 1, 1)
