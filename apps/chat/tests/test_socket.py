"""The protocol on a real server: welcome, messages, acknowledgements, replay, presence, typing, reads."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from apps.chat import services
from apps.chat.models import Attachment, Membership, Message, Role
from apps.chat.selectors import room_events
from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.types import Draft
from apps.common.testing.users import access_token_for
from apps.common.testing.waiting import wait_until
from infrastructure import realtime


def test_a_message_is_stored_acknowledged_and_delivered_in_this_order(site: Site) -> None:
    room = RoomFactory.create(slug="moor")
    ada, grace = member_of(room, name="Ada"), member_of(room, name="Grace")
    here = site.enter("moor", ada)
    welcome = here.frame()  # read before others connect
    assert welcome == {
        "type": "welcome",
        "room": "moor",
        "seq": 0,
        "change": 0,
        "online": [{"user": str(ada.pk), "name": "Ada"}],
    }
    there = site.enter("moor", grace)
    there.next("welcome")
    client_id = here.say("hello")
    ack = here.next("ack", "message")
    stored = Message.objects.get()
    at = stored.created_at.isoformat().replace("+00:00", "Z")
    assert ack == {"type": "ack", "client_id": client_id, "id": str(stored.pk), "seq": 1, "at": at}
    message = {
        "type": "message",
        "id": str(stored.pk),
        "seq": 1,
        "message": "hello",
        "from": str(ada.pk),
        "from_name": "Ada",
        "at": at,
        "client_id": client_id,
    }
    assert here.next("message") == message
    assert there.next("message") == message


def test_the_same_client_id_is_one_message_with_the_same_acknowledgement(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    client_id = socket.say("once")
    first = socket.frame()
    assert socket.frame()["message"] == "once"
    socket.say("once", client_id)
    assert socket.frame() == first
    assert Message.objects.count() == 1
    socket.say("next")
    assert socket.frame()["type"] == "ack"
    assert socket.frame()["message"] == "next"


def test_missed_messages_precede_new_ones(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    services.post_messages(
        room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text=str(n)) for n in range(1, 601)]
    )
    socket = site.enter(room.slug, ada, after=550)
    assert socket.frame()["seq"] == 600
    socket.say("601")
    assert [one["seq"] for one in socket.messages(51)] == list(range(551, 602))
    again = site.inside(room.slug, ada, after=0)
    assert [(one["seq"], one["message"]) for one in again.messages(601)] == [
        (n, str(n)) for n in range(1, 602)
    ]
    beyond = site.inside(room.slug, ada, after=10**18)
    beyond.say("602")
    assert beyond.messages(1)[0]["seq"] == 602


def test_an_invalid_after_is_refused_and_the_socket_stays_open(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    token = f"Bearer {access_token_for(ada)}"
    for query in ("?after=-1", "?after=x", "?after=", "?after=99999999999999999999"):
        socket = site.handshake(room.slug, query, additional_headers={"Authorization": token})
        assert socket.frame()["type"] == "welcome"
        if query != "?after=":
            assert socket.next("error")["code"] == "invalid_frame"


def test_edited_and_deleted_messages_are_sent_and_replayed(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    first, second = services.post_messages(
        room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="a"), Draft(sender_id=ada.pk, text="b")]
    ).fresh
    socket = site.inside(room.slug, grace)
    services.edit_message(actor_id=ada.pk, slug=room.slug, message_id=first.id, text="A")
    edited = socket.next("edited")
    assert (edited["id"], edited["seq"], edited["message"]) == (str(first.id), 1, "A")
    services.delete_message(actor_id=ada.pk, slug=room.slug, message_id=second.id)
    assert socket.next("deleted") == {
        "type": "deleted",
        "id": str(second.id),
        "seq": 2,
        "change": 2,
    }
    again = site.inside(room.slug, grace, after=0).messages(2)
    assert [(one["message"], "edited_at" in one, one.get("deleted")) for one in again] == [
        ("A", True, None),
        ("", False, True),
    ]


def test_messages_over_rest_and_of_the_system_arrive(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    services.post_message(actor_id=ada.pk, slug=room.slug, text="by REST")
    services.post_system_message(slug=room.slug, text="by the system")
    first, second = socket.messages(2)
    assert (first["seq"], first["message"], first["from"]) == (1, "by REST", str(ada.pk))
    assert (second["seq"], second["message"], second["from"], second["from_name"]) == (
        2,
        "by the system",
        None,
        "System",
    )


def test_presence_is_sent_once_per_user(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room, name="Grace")
    watcher = site.inside(room.slug, ada)
    first = site.inside(room.slug, grace)
    came = {"type": "presence", "user": str(grace.pk), "name": "Grace", "online": True}
    assert watcher.next("presence") == came
    second = site.enter(room.slug, grace)
    assert {one["user"] for one in second.frame()["online"]} == {str(ada.pk), str(grace.pk)}
    first.connection.close()
    assert watcher.is_quiet("presence")
    second.connection.close()
    assert watcher.next("presence") == {**came, "online": False}


def test_typing_is_sent_to_the_others_and_throttled(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room, name="Ada"), member_of(room)
    writer, reader = site.inside(room.slug, ada), site.inside(room.slug, grace)
    for _ in range(5):
        writer.send(type="typing")
    assert reader.next("typing") == {"type": "typing", "user": str(ada.pk), "name": "Ada"}
    assert reader.is_quiet("typing")
    assert writer.is_quiet("typing")


def test_read_marks_move_forward_only_and_are_sent_and_stored(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    for _ in range(3):
        services.post_message(actor_id=ada.pk, slug=room.slug, text="x")
    reader, writer = site.inside(room.slug, grace), site.inside(room.slug, ada)
    for seq in (1, 2, 1):
        reader.send(type="read", seq=seq)
    assert writer.next("read") == {"type": "read", "user": str(grace.pk), "seq": 2}
    mark = Membership.objects.filter(user=grace).values_list("read_seq", flat=True)
    wait_until(lambda: mark.get() == 2)
    reader.send(type="read", seq=10**15)  # not beyond the head
    assert writer.next("read")["seq"] == 3
    wait_until(lambda: mark.get() == 3)
    reader.send(type="read", seq=1)
    again = site.inside(room.slug, grace)  # a second device that has read less
    again.send(type="read", seq=2)
    assert writer.is_quiet("read", seconds=1)
    assert mark.get() == 3
    services.read_up_to(actor_id=grace.pk, slug=room.slug, seq=2)
    services.post_message(actor_id=ada.pk, slug=room.slug, text="x")
    services.read_up_to(actor_id=grace.pk, slug=room.slug, seq=99)
    assert writer.next("read")["seq"] == 4


def test_read_marks_of_two_processes_never_go_backwards(site: Site) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    ada, grace = uuid4(), uuid4()
    for user_id, seq in ((ada, 7), (ada, 5), (grace, 5), (ada, 7), (ada, 8)):
        realtime.push_to_room(room.pk, room_events.read(user_id=user_id, seq=seq))
    told = [socket.next("read") for _ in range(3)]
    assert [(one["user"], one["seq"]) for one in told] == [(str(ada), 7), (str(grace), 5), (str(ada), 8)]


def test_ping_is_answered(site: Site) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    socket.send(type="ping")
    assert socket.frame() == {"type": "pong"}


def test_domain_errors_are_error_frames(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    for text in ("", "   ", "x" * 4001, "null\x00"):
        client_id = socket.say(text)
        error = socket.frame()
        assert (error["type"], error["code"], error["client_id"]) == ("error", "invalid_message", client_id)
    assert not Message.objects.exists()
    socket.send(message="without a name of its own")
    assert socket.next("ack")["seq"] == 1


def test_subprotocols(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    token = access_token_for(ada)
    for offered, chosen in (
        (["bearer", token], "bearer"),
        (["chat.v1", "bearer", token], "chat.v1"),
        (["bearer", token, "chat.v1"], "chat.v1"),
    ):
        socket = site.handshake(room.slug, subprotocols=offered)
        assert socket.frame()["type"] == "welcome"
        assert socket.connection.subprotocol == chosen
    by_query = site.handshake(room.slug, f"?token={token}")
    assert by_query.frame()["type"] == "welcome"
    # The header takes precedence, even when it is invalid.
    refused = site.handshake(room.slug, f"?token={token}", additional_headers={"Authorization": "Bearer no"})
    assert refused.close_code() == 4401


def test_replies_files_and_mentions_arrive_live_and_in_replays(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room, name="Ada"), member_of(room, name="Grace")
    file = Attachment.objects.create(
        room=room, uploader=ada, file="x", name="plan.pdf", type="application/pdf", size=7
    )
    here, there = site.inside(room.slug, ada), site.inside(room.slug, grace)
    there.say("Who comes?")
    asked = here.next("message")
    here.send(
        message=f"<@{grace.pk}>", client_id=str(uuid4()), reply_to=asked["id"], attachments=[str(file.pk)]
    )
    there.next("message")
    said = there.next("message")
    assert {name: said[name] for name in ("reply_to", "attachments", "mentions")} == {
        "reply_to": {
            "id": asked["id"],
            "seq": 1,
            "message": "Who comes?",
            "from": str(grace.pk),
            "from_name": "Grace",
            "deleted": False,
        },
        "attachments": [
            {
                "id": str(file.pk),
                "name": "plan.pdf",
                "type": "application/pdf",
                "size": 7,
                "width": None,
                "height": None,
            }
        ],
        "mentions": [{"user": str(grace.pk), "name": "Grace"}],
    }
    assert site.inside(room.slug, grace, after=1).next("message") == said
    here.send(message="", client_id=str(uuid4()), attachments=[str(file.pk)])
    assert here.next("error")["code"] == "invalid_attachment"
    here.send(message="x", client_id=str(uuid4()), reply_to=str(uuid4()))
    assert here.next("error")["code"] == "invalid_reply"
    for wrong in ({"reply_to": 5}, {"attachments": "x"}, {"attachments": [5]}, {"attachments": ["x"] * 11}):
        here.send(message="x", **wrong)
        assert here.next("error")["code"] == "invalid_frame"
    assert Message.objects.count() == 2


def test_the_error_of_a_muted_member_has_the_end_of_the_mute(site: Site) -> None:
    room = RoomFactory.create()
    owner, ada = member_of(room, Role.OWNER), member_of(room)
    socket = site.inside(room.slug, ada)
    until = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    services.mute_member(actor_id=owner.pk, slug=room.slug, user_id=ada.pk, until=until)
    told = until.isoformat().replace("+00:00", "Z")
    assert socket.next("member") == {
        "type": "member",
        "user": str(ada.pk),
        "role": "member",
        "muted_until": told,
    }
    client_id = socket.say("x")
    error = socket.next("error")
    assert (error["code"], error["until"], error["client_id"]) == ("muted", told, client_id)
    services.unmute_member(actor_id=owner.pk, slug=room.slug, user_id=ada.pk)
    assert socket.next("member")["muted_until"] is None
    socket.say("y")
    assert socket.next("ack")["seq"] == 1
