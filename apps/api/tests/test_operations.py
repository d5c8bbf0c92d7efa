"""`@operation` in OpenAPI: the same as views of DRF with `extend_schema`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from types import UnionType
from typing import IO, Any, Union, Unpack, get_args, get_origin, get_type_hints
from uuid import UUID

import django_filters
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.tests.test_schema import Edited, Listing, Rows, parts_of
from apps.api.zones.mounting import mounted
from apps.common.exceptions import Conflict, raises
from apps.common.http import fields
from apps.common.http.operation import View, operation
from apps.common.models import DeadTask


class Asked(fields.Input):
    """A query."""

    depth = serializers.IntegerField(default=0)


HEADER = OpenApiParameter("X-Season", str, OpenApiParameter.HEADER)


class Plain(APIView):
    """In DRF's words."""

    @extend_schema(
        operation_id="make",
        tags=["things"],
        summary="Make a thing",
        description="Of oak.",
        parameters=[Asked, HEADER],
        request=Edited,
        responses={201: Edited, 202: OpenApiResponse(description="Later.")},
    )
    @raises(Conflict)
    def post(self, request: Any) -> Response:
        """Another text."""
        return Response({})

    @extend_schema(
        operation_id="change",
        tags=["things"],
        summary="Change a thing",
        description="Some fields.",
        request=Edited(partial=True),
        responses={200: OpenApiResponse(Edited, description="As it is now.")},
    )
    def patch(self, request: Any) -> Response:
        return Response({})


class Declared(View, tag="things"):
    """The same, declared."""

    @operation(
        "make",
        "Make a thing",
        body=Edited,
        query=Asked,
        answers={201: Edited, 202: "Later."},
        failures=[Conflict],
        parameters=[HEADER],
    )
    def post(self, request: Any, *, name: str, depth: int) -> None:
        """Of oak."""

    @operation(
        "change", "Change a thing", body=Edited, partial=True, answers={200: (Edited, "As it is now.")}
    )
    def patch(self, request: Any, *, name: str = "") -> None:
        """Some fields."""


def test_a_declared_operation_is_described_like_a_view_of_drf() -> None:
    assert parts_of(Declared) == parts_of(Plain)
    assert parts_of(Declared)[0]["post"]["description"] == "Of oak."


class RowFilter(django_filters.FilterSet):  # type: ignore[misc]  # no stubs
    """By name."""

    name = django_filters.CharFilter()

    class Meta:
        model = DeadTask
        fields: tuple[str, ...] = ()


class DeclaredListing(View, tag="x"):
    """The same, declared."""

    @operation("x_list", "", page=Rows, filters=RowFilter)
    def get(self, request: Any) -> Any:
        pass


def test_a_declared_list_is_described_like_one_of_drf() -> None:
    plain, declared = (parts_of(view) for view in (Listing, DeclaredListing))
    assert declared[1] == plain[1]
    assert declared[0]["get"]["parameters"] == plain[0]["get"]["parameters"]
    assert declared[0]["get"]["responses"] == plain[0]["get"]["responses"]
    assert "description" not in declared[0]["get"]  # the view's docstring is none of the operation's


_TYPES: list[tuple[type, Any]] = [
    (serializers.BooleanField, bool),
    (serializers.IntegerField, int),
    (serializers.FloatField, float),
    (serializers.DecimalField, Decimal),
    (serializers.UUIDField, UUID),
    (serializers.DateTimeField, datetime),
    (serializers.DateField, date),
    (serializers.TimeField, time),
    (serializers.ListField, list),
    (serializers.ListSerializer, list),
    (serializers.DictField, dict),
    (serializers.FileField, IO),
    (serializers.ChoiceField, str),
    (serializers.CharField, str),
]


def operations_of_the_project() -> Iterator[Any]:
    for endpoint in mounted().endpoints:
        view = getattr(endpoint.callback, "cls", None)
        for method in ("get", "post", "put", "patch", "delete"):
            declared = getattr(view, method, None)
            if hasattr(declared, "operation"):
                yield declared


def test_methods_annotate_the_values_of_their_fields() -> None:
    checked = 0
    for method in operations_of_the_project():
        hints = get_type_hints(method.__wrapped__)
        for hint in list(hints.values()):
            if get_origin(hint) is Unpack:
                hints |= get_type_hints(get_args(hint)[0])
        for serializer in filter(None, (method.operation.body, method.operation.query)):
            for field in serializer().fields.values():
                hint = hints[field.source]
                parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
                # A field of the project annotates what it returns; the table is for those of DRF.
                brought = get_type_hints(type(field).to_internal_value).get("return")
                if brought in (None, Any):
                    brought = next(type_ for kind, type_ in _TYPES if isinstance(field, kind))
                place = f"{method.__qualname__}: {field.source}"
                assert any(issubclass(brought, get_origin(part) or part) for part in parts), place
                assert not field.allow_null or type(None) in parts, place
                checked += 1
    assert checked > 50
