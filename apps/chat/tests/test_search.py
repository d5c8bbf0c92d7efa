"""Search in a room: words and their forms, isolation of rooms, snippets without markup, pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.chat import selectors, tasks
from apps.chat.events import LanguageChanged
from apps.chat.models import Message, Role
from apps.chat.selectors import ngrams
from apps.chat.services import slugs
from apps.chat.tests.callers import Caller, new_caller, refused
from apps.chat.tests.factories import RoomFactory
from apps.common.models import OutboxEvent

pytestmark = pytest.mark.django_db


def found(caller: Caller, slug: str, q: str) -> list[str]:
    answer = caller("GET", f"rooms/{slug}/messages/search/", q=q)
    assert answer.status_code == 200, answer.content
    return [one["message"] for one in answer.json()["results"]]


def test_queries_take_words_phrases_or_and_exclusions() -> None:
    room, other = RoomFactory.create(), RoomFactory.create()
    ada, grace = new_caller(room), new_caller(other)
    for text in ("red hills", "green hills of the moor", "the moor is green"):
        ada.say(room, text)
    grace.say(other, "hills elsewhere")
    assert found(ada, room.slug, "hills") == ["green hills of the moor", "red hills"]
    assert found(ada, room.slug, '"the moor"') == ["the moor is green", "green hills of the moor"]
    assert found(ada, room.slug, "red or green") == [
        "the moor is green",
        "green hills of the moor",
        "red hills",
    ]
    assert found(ada, room.slug, "hills -red") == ["green hills of the moor"]
    assert found(ada, room.slug, "-red") == ["the moor is green", "green hills of the moor"]
    for text in ("elsewhere", "'", '"', "& | !", ":*", "\\", "<->", str(room.pk)[:8]):
        assert found(ada, room.slug, text) in ([], found(ada, room.slug, "-nothing")), text
    refused(grace("GET", f"rooms/{room.slug}/messages/search/", q="hills"), 403, "not_a_member")
    for query in ({}, {"q": ""}, {"q": "x" * 201}, {"q": "a\x00b"}):
        assert ada("GET", f"rooms/{room.slug}/messages/search/", **query).status_code == 400


def test_snippets_are_pieces_of_plain_text() -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    ada.say(room, "<b>hills</b> \x02hills\x03 & <script>alert('hills')</script>")
    (one,) = ada("GET", f"rooms/{room.slug}/messages/search/", q="hills").json()["results"]
    assert one["snippet"] == [
        {"text": "hills", "match": True},
        {"text": "</b> ", "match": False},
        {"text": "hills", "match": True},
        {"text": " & <script>alert('", "match": False},
        {"text": "hills", "match": True},
        {"text": "')</script", "match": False},
    ]
    assert one["seq"] == 1


def test_pages_by_cursor_within_a_budget(django_assert_max_num_queries: Callable[..., Any]) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    for number in range(25):
        ada.say(room, f"hill {number}")
    with django_assert_max_num_queries(4):
        first = ada("GET", f"rooms/{room.slug}/messages/search/", q="hill").json()
    second = ada("GET", first["next"]).json()
    seqs = [one["seq"] for page in (first, second) for one in page["results"]]
    assert (seqs, second["next"]) == (list(range(25, 0, -1)), None)


def test_the_index_is_used_for_one_room() -> None:
    quiet, busy = RoomFactory.create(), RoomFactory.create()
    for room in (quiet, busy):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO chat_message (id, room_id, seq, client_id, text, created_at)"
                " SELECT gen_random_uuid(), %s, n, gen_random_uuid(), 'hills ' || n, now()"
                " FROM generate_series(1, %s) n",
                [room.pk, 2 if room == quiet else 3000],
            )
            cursor.execute("ANALYZE chat_message")
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = selectors.search_messages(room=busy, query="2999").explain(analyze=True)
    assert "Bitmap Index Scan on chat_message_found" in plan
    # The index returns one row, not the rows of other rooms with the same word.
    assert [one.seq for one in selectors.search_messages(room=quiet, query="hills")] == [2, 1]


def test_the_language_of_a_room_decides_the_stemming() -> None:
    room = RoomFactory.create()
    owner = new_caller(room, Role.OWNER)
    owner.say(room, "Die Häuser stehen")
    assert found(owner, room.slug, "Haus") == []
    changed = owner("PATCH", f"rooms/{room.slug}/", {"language": "german"})
    assert (changed.status_code, changed.json()["language"]) == (200, "german")
    (event,) = OutboxEvent.objects.filter(name=LanguageChanged.name)
    tasks.index_messages(**event.payload)
    assert found(owner, room.slug, "Haus") == ["Die Häuser stehen"]
    owner.say(room, "Ein Haus")
    assert found(owner, room.slug, "Häuser") == ["Ein Haus", "Die Häuser stehen"]
    assert owner("PATCH", f"rooms/{room.slug}/", {"language": "klingon"}).status_code == 400
    assert list(Message.objects.values_list("language", flat=True)) == ["german", "german"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("The Moor", "the-moor"),
        ("Грозы над болотом", "grozy-nad-bolotom"),
        ("東京タワー", "dongjingtawa"),
        ("Größe & Übermut!", "grosse-ubermut"),
        ("مرحبا", "mrhb"),
        ("!!!", "room"),
        ("x" * 80, "x" * 48),
    ],
)
def test_slugs_are_derived_from_names_in_any_script(name: str, slug: str) -> None:
    assert slugs.slug_of(name) == slug


def test_a_room_without_a_slug_gets_a_unique_one() -> None:
    ada = new_caller()
    first, second = (ada("POST", "rooms/", {"name": "Größe 東京"}).json() for _ in range(2))
    assert (first["slug"], first["name"]) == ("grosse-dongjing", "Größe 東京")
    assert (
        second["slug"].startswith("grosse-dongjing-") and len(second["slug"]) == len("grosse-dongjing-") + 6
    )
    assert ada("GET", f"rooms/{second['slug']}/").json()["role"] == "owner"


HOSTILE = [
    "-" * 60,
    "- " * 60 + "x",
    "-" * 199 + "x",
    '"' * 61,
    '"-"' * 20,
    "!!!!!!&&&&|||((((",
    "or " * 60,
    "x or",
    "or x or or y",
    "'" * 100,
    "a:* & b | !c <-> d",
    "\\" * 99,
    ":" * 50,
    "-" * 60 + "京都",
    "\u0000",
    "京" * 200,
    "<@-->" * 30,
    "x" * 200,
]


@pytest.mark.parametrize("query", HOSTILE)
def test_unusual_queries_are_answered(query: str) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    ada.say(room, "x marks the spot")
    assert ada("GET", f"rooms/{room.slug}/messages/search/", q=query).status_code in (200, 400)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("---red", ["green hills"]),
        ("- red", ["red hills"]),
        ("red or green", ["green hills", "red hills"]),
        ("hills -red", ["green hills"]),
        ("-", []),
        ("the", []),
        ("or", []),
    ],
)
def test_dashes_and_stop_words(query: str, expected: list[str]) -> None:
    room = RoomFactory.create(language="english")
    ada = new_caller(room)
    for text in ("red hills", "green hills"):
        ada.say(room, text)
    assert found(ada, room.slug, query) == expected


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("明日は東京都へ行きます", "東京都"),
        ("明日は東京都へ行きます", "京都"),
        ("明日は東京都へ行きます", "京"),
        ("明日は東京都へ行きます", "東京都 明日"),
        ("明日は東京都へ行きます", "行きます"),
        ("ﾎﾃﾙは駅前です", "ホテル"),
        ("我们明天去北京大学", "北京"),
        ("我们明天去北京大学", '"北京大学"'),
        ("พรุ่งนี้เราจะไปกรุงเทพ", "กรุงเทพ"),
        ("내일 학교에서 만나요", "학교"),
        ("Meet at 東京 Tower tonight", "東京 tower"),
        ("Meet at 東京 Tower tonight", "東京Tower"),
        ("caf\u00e9 noir", "cafe\u0301"),
        ("Ein Stück Käse", "ka\u0308se"),
    ],
)
def test_runs_without_spaces_and_other_unicode_forms_are_found(text: str, query: str) -> None:
    room, other = RoomFactory.create(), RoomFactory.create()
    ada = new_caller(room)
    ada.say(room, text)
    ada.say(room, "nothing of the kind 京 大")
    new_caller(other).say(other, text)
    results = ada("GET", f"rooms/{room.slug}/messages/search/", q=query).json()["results"]
    assert text in [one["message"] for one in results]
    one = next(one for one in results if one["message"] == text)
    assert any(piece["match"] for piece in one["snippet"]) or query == "ホテル"


@pytest.mark.parametrize("query", ["京東", "東都", "-東京", "大阪", "東京 大阪", '"都東"'])
def test_runs_that_do_not_occur_are_not_found(query: str) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    ada.say(room, "明日は東京都へ行きます")
    assert found(ada, room.slug, query) == []


def test_alternatives_of_runs_and_words() -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    for text in ("東京へ", "大阪へ", "red"):
        ada.say(room, text)
    assert found(ada, room.slug, "東京 or red") == ["red", "東京へ"]
    assert found(ada, room.slug, "へ -東京") == ["大阪へ"]


def test_index_and_query_use_the_same_characters() -> None:
    """`ngrams.UNSPACED` in Python and the characters of `chat_ngrams` in the database are the same."""
    samples = [chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000]
    samples = [one for one in samples if one.isprintable() and not one.isspace()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sample FROM unnest(%s::text[]) AS sample WHERE chat_ngrams(sample) <> ''::tsvector",
            [samples],
        )
        known = {sample for (sample,) in cursor.fetchall()}
    assert known == {one for one in samples if ngrams.split(one)[0]}
