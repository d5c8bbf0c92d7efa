"""`@operation`: errors at import, validated input, rendered answers."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack
from uuid import UUID

import django_filters
import orjson
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.callers import ANONYMOUS
from apps.common.exceptions import Conflict
from apps.common.http import fields
from apps.common.http.operation import Answer, View, operation
from apps.common.models import DeadTask

A_UUID = UUID("01a211b7-7572-77ad-9044-ed1873e2ee23")


class ParcelInput(fields.Input):
    name = fields.TextField(max_length=10)
    weight = serializers.IntegerField(required=False, min_value=1)
    above = fields.UUIDField(required=False, source="above_id")
    is_flat = fields.BooleanField(default=False)


class PlaceInput(fields.Input):
    depth = serializers.IntegerField(default=0)


class ParcelOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    path = serializers.SerializerMethodField()

    def get_path(self, parcel: Any) -> str:
        return str(self.context["request"].path)


class RefusalOutput(serializers.Serializer[Any]):
    reason = serializers.CharField()


class ParcelChanges(TypedDict, total=False):
    name: str
    weight: int
    above_id: UUID
    is_flat: bool


class SomeChanges(TypedDict, total=False):
    name: str


class ParcelValues(TypedDict):
    name: str
    weight: int
    above_id: UUID
    is_flat: bool


def call(
    view: type[APIView], method: str = "get", url: str = "/x/", body: Any = None, **parameters: Any
) -> HttpResponse:
    """The rendered answer to a request that passed a guard."""
    sent = {} if body is None else {"data": orjson.dumps(body), "content_type": "application/json"}
    request = getattr(RequestFactory(), method)(url, **sent)
    request.caller, request.zone = ANONYMOUS, "test"
    answer: Any = view.as_view()(request, **parameters)
    if isinstance(answer, Response):
        answer.render()
    return answer  # type: ignore[no-any-return]


def errors(answer: HttpResponse) -> list[tuple[str, str]]:
    assert answer.status_code == 400
    return [(error["field"], error["code"]) for error in orjson.loads(answer.content)["errors"]]


class ParcelsView(View, tag="parcels"):
    @operation(
        "parcels_make",
        "Make a parcel",
        body=ParcelInput,
        query=PlaceInput,
        answers={201: ParcelOutput, 202: (RefusalOutput, "Not now."), 204: "Nothing to do."},
        failures=[Conflict],
    )
    def post(
        self,
        request: Any,
        route: str,
        *,
        name: str,
        is_flat: bool,
        depth: int,
        weight: int | None = None,
        above_id: UUID | None = None,
    ) -> Any:
        """Registers it.

        Or holds it back.
        """
        self.seen.append((route, name, is_flat, depth, weight, above_id, request.caller))
        return self.outcomes[name]

    @operation("parcels_change", "Change a parcel", body=ParcelInput, partial=True, answers=ParcelOutput)
    def patch(self, request: Any, **changes: Unpack[ParcelChanges]) -> Any:
        return {"name": ",".join(f"{name}={value}" for name, value in sorted(changes.items()))}

    @operation("parcels_end", "Delete all parcels")
    def delete(self, request: Any) -> None:
        """Deletes all of them."""

    seen: list[Any] = []
    outcomes: dict[str, Any] = {
        "books": {"name": "books"},
        "held": Answer(202, {"reason": "winter"}),
        "none": None,
        "raw": HttpResponse("as it is", status=299),
        "stream": StreamingHttpResponse([b"a", b"b"]),
        "wrong": Answer(200, {}),
    }


def test_the_method_receives_the_declared_fields() -> None:
    ParcelsView.seen.clear()
    body = {"name": "books", "weight": 7, "above": str(A_UUID), "is_flat": True}
    answer = call(ParcelsView, "post", "/x/?depth=3", body, route="north")
    assert (answer.status_code, orjson.loads(answer.content)) == (201, {"name": "books", "path": "/x/"})
    call(ParcelsView, "post", "/x/", {"name": "books"}, route="north")
    assert ParcelsView.seen == [
        ("north", "books", True, 3, 7, A_UUID, ANONYMOUS),
        ("north", "books", False, 0, None, None, ANONYMOUS),
    ]


def test_undeclared_members_are_refused_by_name() -> None:
    ParcelsView.seen.clear()
    assert errors(call(ParcelsView, "post", "/x/?depth=3&other=1&x", {"name": "x"}, route="x")) == [
        ("other", "unknown"),
        ("x", "unknown"),
    ]
    body = {"name": 5, "other": 1, "route": "x"}
    assert errors(call(ParcelsView, "post", "/x/", body, route="x")) == [
        ("name", "invalid"),
        ("other", "unknown"),
        ("route", "unknown"),
    ]
    many = {"name": "x", **{f"n{number}": 1 for number in range(50)}, "y" * 500: 1}
    assert len(errors(call(ParcelsView, "post", "/x/", many, route="x"))) == 20
    assert errors(call(ParcelsView, "post", "/x/", {"name": "x", "y" * 500: 1}, route="x")) == [
        ("y" * 100, "unknown")
    ]
    assert ParcelsView.seen == []


def test_several_statuses() -> None:
    answers = [call(ParcelsView, "post", body={"name": name}, route="x") for name in ("held", "none", "raw")]
    assert [(answer.status_code, answer.content) for answer in answers] == [
        (202, b'{"reason":"winter"}'),
        (204, b""),
        (299, b"as it is"),
    ]
    assert call(ParcelsView, "post", body={"name": "stream"}, route="x") is ParcelsView.outcomes["stream"]
    with pytest.raises(TypeError, match=r"ParcelsView\.post: declares no answer for Answer 200"):
        call(ParcelsView, "post", body={"name": "wrong"}, route="x")


def test_invalid_input_does_not_reach_the_method() -> None:
    ParcelsView.seen.clear()
    url = "/x/?depth=deep"
    assert errors(call(ParcelsView, "post", url, {"name": "books"}, route="x")) == [("depth", "invalid")]
    wrong = {"name": "a parcel too long", "weight": 0, "above": 5}
    assert errors(call(ParcelsView, "post", "/x/", wrong, route="x")) == [
        ("name", "max_length"),
        ("weight", "min_value"),
        ("above", "invalid"),
    ]
    assert errors(call(ParcelsView, "post", "/x/", [], route="x")) == [("", "invalid")]
    assert ParcelsView.seen == []


def test_a_partial_body_has_only_the_sent_fields() -> None:
    answer = call(ParcelsView, "patch", body={"weight": 2})
    assert orjson.loads(answer.content)["name"] == "weight=2"
    assert orjson.loads(call(ParcelsView, "patch", body={}).content)["name"] == ""
    assert errors(call(ParcelsView, "patch", body={"weight": "x"})) == [("weight", "invalid")]


def test_a_method_without_answers_has_an_empty_204() -> None:
    answer = call(ParcelsView, "delete")
    assert (answer.status_code, answer.content) == (204, b"")


def test_the_schema_can_read_the_declaration() -> None:
    declared = ParcelsView.post.operation  # type: ignore[attr-defined]
    assert (declared.id, declared.summary) == ("parcels_make", "Make a parcel")
    assert declared.description == "Registers it.\n\nOr holds it back."
    assert declared.path == {"route"}
    assert declared.documented == {
        201: (ParcelOutput, ""),
        202: (RefusalOutput, "Not now."),
        204: (None, "Nothing to do."),
    }
    assert ParcelsView.post.raises == (Conflict,)  # type: ignore[attr-defined]
    assert ParcelsView.delete.operation.documented == {204: (None, "Done.")}  # type: ignore[attr-defined]


class TaskFilter(django_filters.FilterSet):  # type: ignore[misc]
    name = django_filters.CharFilter(max_length=5)


class TaskOutput(serializers.Serializer[Any]):
    id = serializers.CharField()


class TasksView(View, tag="tasks"):
    @operation(
        "tasks_list",
        "List tasks",
        page=TaskOutput,
        rows=lambda tasks: [{"id": task.task_id.upper()} for task in tasks],
        filters=TaskFilter,
        parameters=[OpenApiParameter("raw")],
    )
    def get(self, request: Any) -> Any:
        if "raw" in request.GET:
            return HttpResponse("raw")
        return DeadTask.objects.order_by("task_id")


@pytest.mark.django_db
def test_a_queryset_is_filtered_paged_and_rendered(django_assert_num_queries: Any) -> None:
    for number in range(5):
        DeadTask.objects.create(task_id=f"t{number}", name="even" if number % 2 == 0 else "odd", error="")
    with django_assert_num_queries(1):
        first = orjson.loads(call(TasksView, "get", "/x/?name=even&limit=2").content)
    assert [row["id"] for row in first["results"]] == ["T0", "T2"]
    assert first["previous"] is None
    second = orjson.loads(call(TasksView, "get", first["next"].removeprefix("http://testserver")).content)
    assert ([row["id"] for row in second["results"]], second["next"]) == (["T4"], None)
    assert errors(call(TasksView, "get", "/x/?name=much too long")) == [("name", "max_length")]
    assert errors(call(TasksView, "get", "/x/?limit=0")) == [("limit", "invalid")]
    assert errors(call(TasksView, "get", "/x/?page_sise=2")) == [("page_sise", "unknown")]
    assert len(orjson.loads(call(TasksView, "get", "/x/?page_size=2").content)["results"]) == 2
    assert call(TasksView, "get", "/x/?raw").content == b"raw"


def wrong_fields(self, request, *, name, colour, is_flat, above_id=None):
    """Lacks `weight`; `colour` is unknown."""


def wrong_default(self, request, *, name, is_flat, weight, above_id=None):
    """`weight` is optional and has no default."""


def wrong_source(self, request, *, name, is_flat, weight=1, above=None):
    """The source of `above` is `above_id`."""


def untyped(self, request, **changes):
    """Has no TypedDict."""


def wrong_typed(self, request, **changes: Unpack[SomeChanges]):
    """Lacks fields."""


def total(self, request, **values: Unpack[ParcelValues]):
    """Requires optional fields."""


def twice(self, request, *, depth):
    """`depth` is in body and query."""


@pytest.mark.parametrize(
    ("method", "declared", "words"),
    [
        (
            wrong_fields,
            {"body": ParcelInput},
            "'colour' is not a field of the input; 'weight' of the input is not taken.",
        ),
        (wrong_default, {"body": ParcelInput}, "'weight' is optional and has no default."),
        (
            wrong_source,
            {"body": ParcelInput},
            "'above' is not a field of the input; 'above_id' of the input is not taken.",
        ),
        (wrong_fields, {}, "'above_id' is not a field of the input; 'colour' is not a field"),
        (untyped, {"body": ParcelInput}, r"annotate \*\*changes with Unpack"),
        (wrong_typed, {"body": ParcelInput}, "'weight' of the input is not taken"),
        (total, {"body": ParcelInput, "partial": True}, "'name' is optional and has no default"),
        (twice, {"body": PlaceInput, "query": PlaceInput}, "'depth' is in the body and in the query"),
        (
            twice,
            {"body": serializers.Serializer},
            "Serializer reads a request: make it a subclass of fields.Input",
        ),
    ],
)
def test_a_method_that_does_not_match_is_refused_at_import(method, declared, words) -> None:
    method.__name__ = "post"
    with pytest.raises(TypeError, match=words):
        operation("x", "X", **declared)(method)


@pytest.mark.parametrize(
    ("name", "words"), [("get", "GET takes no body"), ("steer", "STEER takes no operation")]
)
def test_methods_without_a_body_declare_none(name, words) -> None:
    def method(self, request, *, depth):
        """Gets its name from the case."""

    method.__name__ = name
    with pytest.raises(TypeError, match=words):
        operation("x", "X", body=PlaceInput)(method)


def test_every_method_of_a_view_is_an_operation() -> None:
    with pytest.raises(TypeError, match=r"Careless\.get is not an operation"):
        type("Careless", (View,), {"get": lambda self, request: None}, tag="parcels")
    with pytest.raises(TypeError, match="Nameless: give its operations a heading"):
        type("Nameless", (View,), {})


def test_a_view_inherits_its_tag() -> None:
    class LaterView(ParcelsView):
        """The next version."""

    assert LaterView.tag == "parcels"
