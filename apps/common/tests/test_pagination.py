"""Keyset pages in both directions, also while rows change, and invalid cursors."""

from __future__ import annotations

import base64
import datetime as dt
from itertools import chain
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Value
from django.test import RequestFactory
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apps.common.exceptions import InvalidInput
from apps.common.http.pagination import InvalidCursor, KeysetPagination, _field, page_size
from apps.common.models import DeadTask

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def rows(count, *, same_time=False):
    DeadTask.objects.bulk_create(
        DeadTask(
            task_id=f"t{number:03}",
            name="a" if number % 2 else "b",
            error="",
            failed_at=START + dt.timedelta(microseconds=0 if same_time else number),
        )
        for number in range(count)
    )


def page(queryset, url="/things/"):
    request = RequestFactory().get(url)
    made = KeysetPagination()
    results = [
        row.task_id if not isinstance(row, dict) else row["task_id"]
        for row in made.paginate_queryset(queryset, request)
    ]
    return made.get_paginated_response(results).data


def walk(queryset, url, direction):
    seen = []
    while url:
        answer = page(queryset, url)
        seen.append(answer["results"])
        url = answer[direction]
    return seen


@pytest.mark.parametrize(
    "ordering",
    [("failed_at",), ("-failed_at", "-id"), ("name", "-failed_at", "id"), ("-name", "task_id"), ("pk",)],
)
@pytest.mark.parametrize("same_time", [False, True])
def test_pages_have_every_row_once_in_both_directions(ordering, same_time):
    rows(23, same_time=same_time)
    queryset = DeadTask.objects.order_by(*ordering)
    expected = list(queryset.order_by(*ordering, "id").values_list("task_id", flat=True))
    if (
        ordering == ("failed_at",)
        or ordering == ("pk",)
        or not same_time
        or ordering[-1] in ("-id", "id", "task_id")
    ):
        there = walk(queryset, "/things/?limit=5&q=%C3%A9", "next")
        assert [len(chunk) for chunk in there] == [5, 5, 5, 5, 3]
        assert [*chain.from_iterable(there)] == expected
        last = page(queryset, "/things/?limit=5")
        while last["next"]:
            assert "q=" not in last["next"]
            last = page(queryset, last["next"])
        back = walk(queryset, last["previous"], "previous")
        assert [*chain.from_iterable(reversed(back))] == expected[:20]


def test_a_page_takes_one_query(django_assert_num_queries):
    rows(30)
    queryset = DeadTask.objects.order_by("-failed_at")
    with django_assert_num_queries(1):
        first = page(queryset)
    assert len(first["results"]) == 20
    assert first["previous"] is None
    with django_assert_num_queries(1):
        second = page(queryset, first["next"])
    assert (len(second["results"]), second["next"]) == (10, None)


def test_new_rows_do_not_shift_a_page():
    rows(10)
    queryset = DeadTask.objects.order_by("-failed_at")
    first = page(queryset, "/things/?limit=4")
    DeadTask.objects.create(task_id="new", name="a", error="", failed_at=START + dt.timedelta(days=1))
    DeadTask.objects.filter(task_id="t006").delete()
    assert page(queryset, first["next"])["results"] == ["t005", "t004", "t003", "t002"]


def test_a_page_beyond_the_end_links_to_the_first_page():
    rows(5)
    queryset = DeadTask.objects.order_by("failed_at")
    first = page(queryset, "/things/?limit=3")
    DeadTask.objects.filter(task_id__in=["t003", "t004"]).delete()
    beyond = page(queryset, first["next"])
    assert beyond == {"results": [], "next": None, "previous": "http://testserver/things/?limit=3"}
    second = page(DeadTask.objects.order_by("-failed_at"), "/things/?limit=2")
    last = page(DeadTask.objects.order_by("-failed_at"), second["next"])
    DeadTask.objects.filter(task_id__in=["t002", "t001"]).delete()
    before = page(DeadTask.objects.order_by("-failed_at"), last["previous"] or second["next"])
    assert before["results"] == []


def test_rows_may_be_dictionaries():
    rows(5)
    queryset = DeadTask.objects.order_by("-failed_at").values("id", "task_id", "failed_at")
    first = page(queryset, "/things/?limit=3")
    assert page(queryset, first["next"])["results"] == ["t001", "t000"]


@pytest.mark.parametrize(("limit", "size"), [("1", 1), ("100", 100), ("101", 100), ("999999999", 100)])
def test_the_page_size_has_a_limit(limit, size):
    rows(105)
    assert len(page(DeadTask.objects.order_by("id"), f"/things/?limit={limit}")["results"]) == size


@pytest.mark.parametrize("limit", ["0", "-1", "ten", "1.5", "", "٣", "9" * 5000])
def test_invalid_sizes_are_refused(limit):
    with pytest.raises(InvalidInput) as caught:
        page(DeadTask.objects.order_by("id"), f"/things/?limit={limit}")
    assert [error.field for error in caught.value.errors] == ["limit"]


def forged(*values):
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


def signature():
    rows(2)
    url = page(DeadTask.objects.order_by("failed_at"), "/things/?limit=1")["next"]
    cursor = parse_qs(urlsplit(url).query)["cursor"][0]
    return orjson.loads(base64.urlsafe_b64decode(cursor + "=="))[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda s: "",
        lambda s: "x",
        lambda s: "é",
        lambda s: "!!!!",
        lambda s: "A" * 5000,
        lambda s: forged(),
        lambda s: base64.urlsafe_b64encode(b'{"a":1}').decode(),
        lambda s: forged("n", s),
        lambda s: forged("x", s, "2026-01-01T00:00:00Z", str(DeadTask().pk)),
        lambda s: forged("n", "other", "2026-01-01T00:00:00Z", str(DeadTask().pk)),
        lambda s: forged("n", s, "yesterday", str(DeadTask().pk)),
        lambda s: forged("n", s, "2026-01-01T00:00:00Z", "1"),
        lambda s: forged("n", s, {"a": 1}, [1]),
        lambda s: forged("n", s, 10**18, True),
        lambda s: forged("n", s, "2026-01-01T00:00:00Z", "\x00"),
    ],
)
def test_invalid_cursors_are_refused(make):
    cursor = make(signature())
    with pytest.raises(InvalidCursor):
        page(DeadTask.objects.order_by("failed_at"), f"/things/?cursor={cursor}")


@pytest.mark.parametrize("ordering", ["replayed_at", "-replayed_at"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_null_values_are_sorted(ordering, limit):
    rows(7)
    for number in (1, 4, 5):
        DeadTask.objects.filter(task_id=f"t{number:03}").update(
            replayed_at=START + dt.timedelta(days=number % 4)
        )
    queryset = DeadTask.objects.order_by(ordering, "task_id")
    expected = list(queryset.order_by(ordering, "task_id", "id").values_list("task_id", flat=True))
    there = walk(queryset, f"/things/?limit={limit}", "next")
    assert [*chain.from_iterable(there)] == expected
    last = f"/things/?limit={limit}"
    while (following := page(queryset, last)["next"]) is not None:
        last = following
    back = walk(queryset, last, "previous")
    assert [*chain.from_iterable(reversed(back))] == expected


ODD = [
    *("", " ", "a", "A", "É", "e\u0301", "zoë@example.com", "Ada@Example.COM", "\u202e", "'; --", "%_\\"),
    *("x" * 200, "\U0010ffff" * 200, "👩\u200d💻" * 30),
]


@pytest.mark.parametrize("ordering", ["name", "-name"])
def test_the_cursor_of_every_row_is_accepted(ordering):
    DeadTask.objects.bulk_create(
        DeadTask(task_id=f"t{number:03}", name=name, error="", failed_at=START)
        for number, name in enumerate(ODD)
    )
    queryset = DeadTask.objects.order_by(ordering)
    seen = [*chain.from_iterable(walk(queryset, "/things/?limit=1", "next"))]
    tiebreak = "id" if ordering == "name" else "-id"
    assert seen == list(queryset.order_by(ordering, tiebreak).values_list("task_id", flat=True))
    assert len(seen) == len(ODD)


def test_a_cursor_may_have_values_that_an_input_would_refuse(django_user_model):
    # Written without the field, which normalises and validates addresses.
    for number, address in enumerate(["zoë@example.com", "no address", "x@" + "y" * 240, "", "ａ@x.example"]):
        user = django_user_model.objects.create_user(f"u{number}@example.com", name=f"N{number}")
        django_user_model.objects.filter(pk=user.pk).update(email=Value(address))
    url, seen = "/things/?limit=1", []
    while url:
        made = KeysetPagination()
        listed = django_user_model.objects.order_by("email")
        seen += [row.name for row in made.paginate_queryset(listed, RequestFactory().get(url))]
        url = made.get_paginated_response([]).data["next"]
    assert sorted(seen) == ["N0", "N1", "N2", "N3", "N4"]


def test_a_cursor_is_valid_for_one_ordering():
    rows(5)
    url = page(DeadTask.objects.order_by("failed_at"), "/things/?limit=2")["next"]
    with pytest.raises(InvalidCursor):
        page(DeadTask.objects.order_by("-failed_at"), url)


@pytest.mark.parametrize("queryset", [DeadTask.objects.all, lambda: DeadTask.objects.order_by("?")])
def test_a_queryset_without_an_ordering_is_refused(queryset):
    with pytest.raises(TypeError, match="ordered by names"):
        page(queryset())


def test_the_schema_of_a_page():
    schema = KeysetPagination().get_paginated_response_schema({"type": "array", "items": {}})
    assert schema["properties"]["results"] == {"type": "array", "items": {}}
    parameters = KeysetPagination().get_schema_operation_parameters(None)
    assert [parameter["name"] for parameter in parameters] == ["cursor", "limit", "page_size"]


@pytest.mark.parametrize(
    ("query", "size"), [("", 20), ("page_size=2", 2), ("limit=3", 3), ("page_size=1000", 100)]
)
def test_a_page_has_the_requested_size(query, size):
    assert page_size(RequestFactory().get(f"/things/?{query}")) == size


@pytest.mark.parametrize(
    ("query", "field"),
    [("page_size=0", "page_size"), ("page_size=x", "page_size"), ("limit=2&page_size=x", "page_size")],
)
def test_invalid_values_of_page_size_are_refused(query, field):
    with pytest.raises(InvalidInput) as error:
        page_size(RequestFactory().get(f"/things/?{query}"))
    assert [one.field for one in error.value.errors] == [field]


def test_a_plain_drf_list_refuses_unknown_parameters():
    class Filters:
        base_filters = {"kind": None}

    class List:
        filterset_class, ordering_fields, query_parameters = Filters, ("name",), ("extra",)

    def rows(query):
        return KeysetPagination().paginate_queryset(
            PeriodicTask.objects.order_by("name"), RequestFactory().get(f"/?{query}"), List()
        )

    assert isinstance(rows("kind=x&ordering=name&extra=1&page_size=2"), list)
    with pytest.raises(InvalidInput) as error:
        rows("page_sise=2&search=x&kind=y")
    assert [(one.field, one.code) for one in error.value.errors] == [
        ("page_sise", "unknown"),
        ("search", "unknown"),
    ]


def test_rows_may_be_ordered_by_fields_of_relations():
    for every in (30, 10, 20):
        interval = IntervalSchedule.objects.create(every=every, period="seconds")
        PeriodicTask.objects.create(name=f"every {every}", task="x", interval=interval)
    queryset = PeriodicTask.objects.filter(task="x").order_by("interval__every")
    request = RequestFactory().get("/things/?limit=2")
    paginator = KeysetPagination()
    assert [row.interval.every for row in paginator.paginate_queryset(queryset, request)] == [10, 20]
    following = RequestFactory().get(paginator.get_paginated_response([]).data["next"])
    assert [row.interval.every for row in KeysetPagination().paginate_queryset(queryset, following)] == [30]


def test_an_unknown_field_of_a_relation_is_refused():
    with pytest.raises(FieldDoesNotExist):
        _field(PeriodicTask, "name__length")
