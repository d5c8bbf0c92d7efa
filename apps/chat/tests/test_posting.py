"""Posting: numbers without gaps, each message once, members only, also in parallel."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, connections, transaction
from pytest_django import DjangoAssertNumQueries

from apps.chat import services
from apps.chat.exceptions import InvalidMessage, NotAMember, RoomNotFound
from apps.chat.models import Membership, Message, Role, Room
from apps.chat.tests.factories import MembershipFactory, RoomFactory, member_of
from apps.chat.types import Draft, Posted
from apps.common.testing.users import UserFactory
from apps.users.models import User

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_drafts_are_numbered_in_order_and_returned_as_stored() -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room, name="Ada"), member_of(room, name="Grace")
    drafts = [Draft(sender_id=ada.pk, text=" one "), Draft(sender_id=grace.pk, text="two")]
    stored = services.store_messages(room_id=room.pk, drafts=drafts, now=NOW)
    assert stored.fresh == stored.outcomes
    first, second = stored.fresh
    assert (first.seq, first.text, first.sender_name, first.at) == (1, "one", "Ada", NOW)
    assert (second.seq, second.text, second.sender_name) == (2, "two", "Grace")
    assert first.client_id == drafts[0].client_id
    assert list(Message.objects.values_list("seq", "id", "text", "created_at")) == [
        (1, first.id, "one", NOW),
        (2, second.id, "two", NOW),
    ]
    room.refresh_from_db()
    assert room.head == 2


def test_a_repeated_client_id_returns_the_first_message() -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    draft = Draft(sender_id=ada.pk, text="once")
    (first,) = services.store_messages(room_id=room.pk, drafts=[draft], now=NOW).outcomes
    again = Draft(sender_id=ada.pk, text="other words", client_id=draft.client_id)
    stored = services.store_messages(
        room_id=room.pk, drafts=[again, Draft(sender_id=ada.pk, text="new"), again]
    )
    assert stored.outcomes[0] == stored.outcomes[2] == first
    assert [(one.seq, one.text) for one in stored.fresh] == [(2, "new")]


def test_several_rooms_are_stored_with_one_statement(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    rooms = [RoomFactory.create() for _ in range(3)]
    users = [member_of(room) for room in rooms]
    services.store_messages(room_id=rooms[1].pk, drafts=[Draft(sender_id=None, text="before")])
    known = Draft(sender_id=users[2].pk, text="known")
    (first,) = services.store_messages(room_id=rooms[2].pk, drafts=[known]).outcomes
    nowhere = uuid4()
    drafts = {
        rooms[0].pk: [
            Draft(sender_id=users[0].pk, text="a"),
            Draft(sender_id=users[1].pk, text="stranger"),
        ],
        nowhere: [Draft(sender_id=None, text="lost")],
        rooms[1].pk: [Draft(sender_id=users[1].pk, text="b"), Draft(sender_id=None, text="c")],
        rooms[2].pk: [known],
    }
    with django_assert_num_queries(1):
        stored = services.store_in_rooms(drafts=drafts)
    assert stored[nowhere] is None
    ours = {room_id: one for room_id, one in stored.items() if one is not None}
    assert [[(one.seq, one.text) for one in ours[room.pk].fresh] for room in rooms] == [
        [(1, "a")],
        [(2, "b"), (3, "c")],
        [],
    ]
    assert isinstance(ours[rooms[0].pk].outcomes[1], NotAMember)
    assert ours[rooms[2].pk].outcomes == (first,)
    heads = dict(Room.objects.values_list("pk", "head"))
    assert [heads[room.pk] for room in rooms] == [1, 3, 1]


def test_a_repetition_within_one_group_is_stored_once() -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    draft = Draft(sender_id=ada.pk, text="once")
    stored = services.store_messages(room_id=room.pk, drafts=[draft, draft])
    assert stored.outcomes == (stored.fresh[0], stored.fresh[0])
    assert Message.objects.count() == 1


def test_client_ids_of_two_senders_are_independent() -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    same = uuid4()
    drafts = [Draft(sender_id=one.pk, text="mine", client_id=same) for one in (ada, grace)]
    assert [one.seq for one in services.store_messages(room_id=room.pk, drafts=drafts).fresh] == [1, 2]


def test_drafts_of_other_users_are_refused_and_the_rest_is_stored() -> None:
    room = RoomFactory.create()
    ada, stranger = member_of(room), UserFactory.create()
    elsewhere = MembershipFactory.create().user
    senders = [stranger, ada, elsewhere]
    stored = services.store_messages(
        room_id=room.pk, drafts=[Draft(sender_id=one.pk, text="x") for one in senders]
    )
    assert [type(outcome) for outcome in stored.outcomes] == [NotAMember, Posted, NotAMember]
    assert list(Message.objects.values_list("seq", "sender")) == [(1, ada.pk)]


@pytest.mark.parametrize("text", ["", "  \n ", "a\x00b", "x" * 4001, "\ud800", "half \udfff"])
def test_invalid_texts_are_refused(text: str) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    (outcome,) = services.store_messages(
        room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text=text)]
    ).outcomes
    assert isinstance(outcome, InvalidMessage)
    assert not Message.objects.exists()
    room.refresh_from_db()
    assert room.head == 0


def test_the_longest_text_and_any_script_are_stored() -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    for text in ("x" * 4000, "مرحبا 👋🏽 世界", "e\u0301"):
        services.store_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text=text)])
    assert list(Message.objects.values_list("text", flat=True)) == ["x" * 4000, "مرحبا 👋🏽 世界", "é"]


def test_posting_to_an_unknown_room_raises() -> None:
    with pytest.raises(RoomNotFound):
        services.store_messages(room_id=uuid4(), drafts=[Draft(sender_id=None, text="x")])
    with pytest.raises(RoomNotFound):
        services.store_messages(
            room_id=uuid4(),
            drafts=[Draft(sender_id=None, text="x", reply_to=uuid4()), Draft(sender_id=None, text="y")],
        )
    with pytest.raises(RoomNotFound):
        services.post_system_message(slug="nowhere", text="x")


def test_a_system_message_has_no_sender_and_is_stored_once() -> None:
    room = RoomFactory.create()
    client_id = uuid4()
    first = services.post_system_message(slug=room.slug, text="Maintenance at noon", client_id=client_id)
    assert (first.seq, first.sender_id, first.sender_name) == (1, None, "System")
    assert (
        services.post_system_message(slug=room.slug, text="Maintenance at noon", client_id=client_id) == first
    )
    with pytest.raises(InvalidMessage):
        services.post_system_message(slug=room.slug, text=" ")


def test_a_failed_transaction_stores_nothing() -> None:
    room = RoomFactory.create()
    ada = member_of(room)

    def post_and_fail() -> None:
        with transaction.atomic():
            services.post_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="x")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        post_and_fail()
    room.refresh_from_db()
    assert (room.head, Message.objects.count()) == (0, 0)


def test_storing_takes_one_statement(django_assert_num_queries) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    drafts = [Draft(sender_id=ada.pk, text=str(n)) for n in range(256)]
    with django_assert_num_queries(1):
        services.store_messages(room_id=room.pk, drafts=drafts)


def test_plans_made_for_small_tables_use_no_sequential_scan() -> None:
    room = RoomFactory.create()
    ada = member_of(room)

    def read_through() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables")
            return int(cursor.fetchone()[0])

    services.store_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="the first")])
    for _ in range(3):
        before = read_through()
        services.store_messages(
            room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="x"), Draft(sender_id=None, text="y")]
        )
        assert read_through() == before


def test_finding_a_repetition_costs_the_same_in_large_rooms() -> None:
    room = RoomFactory.create()
    users = User.objects.bulk_create(
        User(email=f"{number}@example.com", name="Someone", password="!") for number in range(300)
    )
    Membership.objects.bulk_create(Membership(room=room, user=user, role=Role.MEMBER) for user in users)
    drafts = [Draft(sender_id=user.pk, text="x") for user in users]
    services.store_messages(room_id=room.pk, drafts=drafts)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE chat_message")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    same = Message.objects.filter(room=room, client_id=drafts[0].client_id).values("id").order_by()
    (found,) = json.loads(same.explain(analyze=True, buffers=True, format="json"))
    blocks = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
    assert (found["Plan"]["Index Name"], found["Plan"]["Actual Rows"]) == ("chat_message_once", 1)
    assert blocks <= 5  # the path in the index and the row; one lookup per sender would be hundreds


def test_constraints_hold_what_the_service_guarantees() -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    (first,) = services.store_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="x")]).fresh
    same_number = Message(room=room, seq=1, sender=ada, client_id=uuid4(), text="y", created_at=NOW)
    same_name = Message(room=room, seq=2, sender=ada, client_id=first.client_id, text="y", created_at=NOW)
    no_text = Message(room=room, seq=2, sender=ada, client_id=uuid4(), text="", created_at=NOW)
    for wrong in (same_number, same_name, no_text):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_leave_no_gap_and_no_duplicate() -> None:
    room = RoomFactory.create()
    users = [member_of(room) for _ in range(6)]
    shared = [uuid4() for _ in range(10)]
    seen: list[list[Posted]] = []

    def write(user_id) -> None:
        try:
            mine: list[Posted] = []
            for client_id in shared:
                drafts = [
                    Draft(sender_id=user_id, text="own"),
                    Draft(sender_id=None, text="same for all", client_id=client_id),
                ]
                mine += services.store_messages(room_id=room.pk, drafts=drafts).outcomes  # type: ignore[arg-type]
            seen.append(mine)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(user.pk,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    room.refresh_from_db()
    assert room.head == 6 * 10 + 10
    assert list(Message.objects.filter(room=room).values_list("seq", flat=True)) == list(range(1, 71))
    assert len({one.id for mine in seen for one in mine if one.sender_id is None}) == 10
    for mine in seen:
        own = [one.seq for one in mine if one.sender_id is not None]
        assert own == sorted(own)


@pytest.mark.django_db(transaction=True)
def test_a_membership_that_ends_meanwhile_refuses_the_draft() -> None:
    room = RoomFactory.create()
    owner, ada = member_of(room, Role.OWNER), member_of(room)
    outcome: list[object] = []

    def write() -> None:
        try:
            outcome.extend(
                services.store_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="x")]).outcomes
            )
        finally:
            connections.close_all()

    with transaction.atomic():
        services.remove_member(actor_id=owner.pk, slug=room.slug, user_id=ada.pk)
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive()  # it waits for the removal
    thread.join(timeout=10)
    assert isinstance(outcome[0], NotAMember)
    assert (Room.objects.get().head, Membership.objects.count()) == (0, 1)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" e\u0301 ", "é"),
        ("x" * 4000, "x" * 4000),
        ("a" + "\u0301" * 30, "á" + "\u0301" * 29),
        ("\u0958" * 2000, "\u0915\u093c" * 2000),  # longer after normalization
        (("\u0301" * 30 + "x") * 100, ("\u0301" * 30 + "x") * 100),
    ],
)
def test_text_is_normalized(text: str, cleaned: str) -> None:
    assert services.clean_text(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "x" * 4001,
        "e\u0301" * 2001,
        "\u0958" * 2001,
        "\ud800",
        "a\x00b",
        "a" + "\u0301\u0323" * 16,
    ],
)
def test_clean_text_refuses_invalid_messages(text: str) -> None:
    with pytest.raises(InvalidMessage):
        services.clean_text(text)
