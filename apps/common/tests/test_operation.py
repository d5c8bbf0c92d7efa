"""One declaration of a view's method: what it refuses at import, what it hands in, what it makes of an answer."""

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


class StoneInput(fields.Input):
    name = fields.TextField(max_length=10)
    weight = serializers.IntegerField(required=False, min_value=1)
    above = fields.UUIDField(required=False, source="above_id")
    is_flat = fields.BooleanField(default=False)


class PlaceInput(fields.Input):
    depth = serializers.IntegerField(default=0)


class StoneOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    path = serializers.SerializerMethodField()

    def get_path(self, stone: Any) -> str:
        return str(self.context["request"].path)


class RefusalOutput(serializers.Serializer[Any]):
    reason = serializers.CharField()


class StoneChanges(TypedDict, total=False):
    name: str
    weight: int
    above_id: UUID
    is_flat: bool


class SomeChanges(TypedDict, total=False):
    name: str


class StoneValues(TypedDict):
    name: str
    weight: int
    above_id: UUID
    is_flat: bool


def call(
    view: type[APIView], method: str = "get", url: str = "/x/", body: Any = None, **parameters: Any
) -> HttpResponse:
    """The rendered answer, behind what the guard puts on a request."""
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


class StonesView(View, tag="stones"):
    @operation(
        "stones_make",
        "Make a stone",
        body=StoneInput,
        query=PlaceInput,
        answers={201: StoneOutput, 202: (RefusalOutput, "Not now."), 204: "Nothing to do."},
        failures=[Conflict],
    )
    def post(
        self,
        request: Any,
        circle: str,
        *,
        name: str,
        is_flat: bool,
        depth: int,
        weight: int | None = None,
        above_id: UUID | None = None,
    ) -> Any:
        """Stands it upright.

        Or lays it down.
        """
        self.seen.append((circle, name, is_flat, depth, weight, above_id, request.caller))
        return self.outcomes[name]

    @operation("stones_change", "Change a stone", body=StoneInput, partial=True, answers=StoneOutput)
    def patch(self, request: Any, **changes: Unpack[StoneChanges]) -> Any:
        return {"name": ",".join(f"{name}={value}" for name, value in sorted(changes.items()))}

    @operation("stones_end", "Take all stones away")
    def delete(self, request: Any) -> None:
        """All of them."""

    seen: list[Any] = []
    outcomes: dict[str, Any] = {
        "lintel": {"name": "lintel"},
        "heel": Answer(202, {"reason": "winter"}),
        "none": None,
        "raw": HttpResponse("as it is", status=299),
        "stream": StreamingHttpResponse([b"a", b"b"]),
        "wrong": Answer(200, {}),
    }


def test_the_method_gets_what_it_declares() -> None:
    StonesView.seen.clear()
    body = {"name": "lintel", "weight": 7, "above": str(A_UUID), "is_flat": True}
    answer = call(StonesView, "post", "/x/?depth=3", body, circle="menhir")
    assert (answer.status_code, orjson.loads(answer.content)) == (201, {"name": "lintel", "path": "/x/"})
    call(StonesView, "post", "/x/", {"name": "lintel"}, circle="menhir")
    assert StonesView.seen == [
        ("menhir", "lintel", True, 3, 7, A_UUID, ANONYMOUS),
        ("menhir", "lintel", False, 0, None, None, ANONYMOUS),
    ]


def test_what_is_not_declared_is_refused_by_name() -> None:
    StonesView.seen.clear()
    assert errors(call(StonesView, "post", "/x/?depth=3&other=1&x", {"name": "x"}, circle="x")) == [
        ("other", "unknown"),
        ("x", "unknown"),
    ]
    body = {"name": 5, "other": 1, "circle": "x"}
    assert errors(call(StonesView, "post", "/x/", body, circle="x")) == [
        ("name", "invalid"),
        ("other", "unknown"),
        ("circle", "unknown"),
    ]
    many = {"name": "x", **{f"n{number}": 1 for number in range(50)}, "y" * 500: 1}
    assert len(errors(call(StonesView, "post", "/x/", many, circle="x"))) == 20
    assert errors(call(StonesView, "post", "/x/", {"name": "x", "y" * 500: 1}, circle="x")) == [
        ("y" * 100, "unknown")
    ]
    assert StonesView.seen == []


def test_one_of_several_answers() -> None:
    answers = [call(StonesView, "post", body={"name": name}, circle="x") for name in ("heel", "none", "raw")]
    assert [(answer.status_code, answer.content) for answer in answers] == [
        (202, b'{"reason":"winter"}'),
        (204, b""),
        (299, b"as it is"),
    ]
    assert call(StonesView, "post", body={"name": "stream"}, circle="x") is StonesView.outcomes["stream"]
    with pytest.raises(TypeError, match=r"StonesView\.post: declares no answer for Answer 200"):
        call(StonesView, "post", body={"name": "wrong"}, circle="x")


def test_faults_of_the_input_reach_no_method() -> None:
    StonesView.seen.clear()
    url = "/x/?depth=deep"
    assert errors(call(StonesView, "post", url, {"name": "lintel"}, circle="x")) == [("depth", "invalid")]
    wrong = {"name": "a stone too long", "weight": 0, "above": 5}
    assert errors(call(StonesView, "post", "/x/", wrong, circle="x")) == [
        ("name", "max_length"),
        ("weight", "min_value"),
        ("above", "invalid"),
    ]
    assert errors(call(StonesView, "post", "/x/", [], circle="x")) == [("", "invalid")]
    assert StonesView.seen == []


def test_a_partial_body_brings_what_was_sent() -> None:
    answer = call(StonesView, "patch", body={"weight": 2})
    assert orjson.loads(answer.content)["name"] == "weight=2"
    assert orjson.loads(call(StonesView, "patch", body={}).content)["name"] == ""
    assert errors(call(StonesView, "patch", body={"weight": "x"})) == [("weight", "invalid")]


def test_a_method_without_answers_has_the_empty_one() -> None:
    answer = call(StonesView, "delete")
    assert (answer.status_code, answer.content) == (204, b"")


def test_what_is_declared_is_there_to_be_described() -> None:
    declared = StonesView.post.operation  # type: ignore[attr-defined]
    assert (declared.id, declared.summary) == ("stones_make", "Make a stone")
    assert declared.description == "Stands it upright.\n\nOr lays it down."
    assert declared.path == {"circle"}
    assert declared.answers == {
        201: (StoneOutput, ""),
        202: (RefusalOutput, "Not now."),
        204: (None, "Nothing to do."),
    }
    assert StonesView.post.raises == (Conflict,)  # type: ignore[attr-defined]
    assert StonesView.delete.operation.answers == {204: (None, "Done.")}  # type: ignore[attr-defined]


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
    """`weight` is not taken, `colour` is unknown."""


def wrong_default(self, request, *, name, is_flat, weight, above_id=None):
    """`weight` may be missing."""


def wrong_source(self, request, *, name, is_flat, weight=1, above=None):
    """The value is called `above_id`."""


def untyped(self, request, **changes):
    """Which ones?"""


def wrong_typed(self, request, **changes: Unpack[SomeChanges]):
    """Not all of them."""


def total(self, request, **values: Unpack[StoneValues]):
    """Says that all are there."""


def twice(self, request, *, depth):
    """In both places."""


@pytest.mark.parametrize(
    ("method", "declared", "words"),
    [
        (
            wrong_fields,
            {"body": StoneInput},
            "'colour' is not a field of the input; 'weight' of the input is not taken.",
        ),
        (wrong_default, {"body": StoneInput}, "'weight' is optional and has no default."),
        (
            wrong_source,
            {"body": StoneInput},
            "'above' is not a field of the input; 'above_id' of the input is not taken.",
        ),
        (wrong_fields, {}, "'above_id' is not a field of the input; 'colour' is not a field"),
        (untyped, {"body": StoneInput}, r"annotate \*\*changes with Unpack"),
        (wrong_typed, {"body": StoneInput}, "'weight' of the input is not taken"),
        (total, {"body": StoneInput, "partial": True}, "'name' is optional and has no default"),
        (twice, {"body": PlaceInput, "query": PlaceInput}, "'depth' is in the body and in the query"),
        (
            twice,
            {"body": serializers.Serializer},
            "Serializer reads a request: make it a subclass of fields.Input",
        ),
    ],
)
def test_a_method_that_does_not_fit_is_refused_when_it_is_declared(method, declared, words) -> None:
    method.__name__ = "post"
    with pytest.raises(TypeError, match=words):
        operation("x", "X", **declared)(method)


@pytest.mark.parametrize(
    ("name", "words"), [("get", "GET takes no body"), ("steer", "STEER takes no operation")]
)
def test_only_methods_with_a_body_take_one(name, words) -> None:
    def method(self, request, *, depth):
        """Named by the case."""

    method.__name__ = name
    with pytest.raises(TypeError, match=words):
        operation("x", "X", body=PlaceInput)(method)


def test_a_view_of_operations_has_no_other_methods() -> None:
    with pytest.raises(TypeError, match=r"Careless\.get is not an operation"):
        type("Careless", (View,), {"get": lambda self, request: None}, tag="stones")
    with pytest.raises(TypeError, match="Nameless: give its operations a heading"):
        type("Nameless", (View,), {})


def test_a_view_keeps_the_heading_of_the_one_that_it_extends() -> None:
    class LaterView(StonesView):
        """The next version."""

    assert LaterView.tag == "stones"
