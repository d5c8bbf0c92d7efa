"""Compiled output serializers: the same as DRF's, for every serializer of an operation."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.test import RequestFactory
from django.utils import timezone as django_timezone
from rest_framework import serializers

from apps.api.models import ServiceKey
from apps.api.zones import mounting
from apps.common.http import compiled_outputs
from apps.common.http.compiled_outputs import Output, represent, represent_all
from apps.common.http.renderers import dumps

A_TIME = datetime(2026, 3, 1, 12, 30, 15, 123, UTC)
ZONES = (UTC, timezone(timedelta(hours=5, minutes=30)))


def outputs() -> list[Output]:
    """Every serializer that an operation of a mounted zone answers with."""
    found: dict[str, Output] = {}
    for endpoint in mounting.mounted().endpoints:
        view = getattr(endpoint.callback, "cls", None)
        for method in endpoint.methods:
            declared = getattr(getattr(view, method.lower(), None), "operation", None)
            for answer, _ in declared.documented.values() if declared is not None else ():
                output = type(answer.child) if isinstance(answer, serializers.ListSerializer) else answer
                if isinstance(output, type) and issubclass(output, serializers.BaseSerializer):
                    found[f"{output.__module__}.{output.__qualname__}"] = output
    return list(found.values())


class Values:
    """Random values of the kinds that fields show, and of others that they have to convert."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def of(self, serializer: Any) -> Any:
        """An object with the attributes that a bound serializer reads, or a mapping with them."""
        found: dict[str, Any] = {}
        for field in serializer._readable_fields:
            if isinstance(field, serializers.SerializerMethodField) or self._random.random() < 0.02:
                continue
            place = found
            *path, last = field.source_attrs
            for name in path:
                inner = place.setdefault(name, SimpleNamespace())
                place = vars(inner)
            value = self.value(field)
            place[last] = (lambda value=value: value) if self._random.random() < 0.05 else value
        return SimpleNamespace(**found) if self._random.random() < 0.8 else found

    def value(self, field: Any) -> Any:
        if self._random.random() < 0.1:
            return None
        if isinstance(field, serializers.ListSerializer):
            return [self.of(field.child) for _ in range(self._random.randrange(3))]
        if isinstance(field, serializers.Serializer):
            return self.of(field)
        if isinstance(field, serializers.ListField):
            return [self.value(field.child) for _ in range(self._random.randrange(3))]
        if isinstance(field, serializers.DictField):
            return {name: self.value(field.child) for name in ("a", 1)}
        when = A_TIME.astimezone(self._random.choice(ZONES)) + timedelta(
            microseconds=self._random.choice([0, 877])
        )
        of_kind: dict[type, tuple[Any, ...]] = {
            serializers.DateTimeField: (when, when.replace(microsecond=0)),
            serializers.UUIDField: (UUID(int=self._random.getrandbits(128)),),
            serializers.BooleanField: (True, False, "true", 0),
            serializers.IntegerField: (0, -5, 2**40, "7", True),
            serializers.JSONField: ({"a": [1, None]}, "text", 4),
            serializers.ChoiceField: ("user", "other", ""),
        }
        for kind, values in of_kind.items():
            if isinstance(field, kind):
                return self._random.choice(values)
        return self._random.choice(["", "text", "Zoë \u2028", 5, Decimal("1.50")])


def outcome(call: Any) -> Any:
    """What a call returns as JSON, or the error that it raises."""
    try:
        return dumps(call())
    except Exception as error:  # noqa: BLE001  (errors are compared, too)
        return type(error), str(error)


@pytest.mark.parametrize("output", outputs(), ids=lambda output: output.__qualname__)
def test_each_output_of_an_operation_is_as_drfs(output: Output) -> None:
    request: Any = RequestFactory().get("/")
    request.caller = SimpleNamespace(session_id=UUID(int=4), user=None)
    context = {"request": request}
    for seed in range(60):
        values = Values(seed)
        some = [values.of(output()) for _ in range(3)]
        assert outcome(lambda some=some: represent(output, some[0], context)) == outcome(
            lambda some=some: output(some[0], context=context).data
        )
        assert outcome(lambda some=some: represent_all(output, some, context)) == outcome(
            lambda some=some: output(some, many=True, context=context).data
        )


def test_most_are_compiled() -> None:
    left = [output.__qualname__ for output in outputs() if compiled_outputs._compiled(output) is None]
    assert len(left) * 10 < len(outputs()), left


class Inner(serializers.Serializer[Any]):
    text = serializers.CharField()


class Whole(serializers.Serializer[Any]):
    name = serializers.CharField(default="nobody")
    secret = serializers.CharField(write_only=True)
    skipped = serializers.CharField(required=False)
    price = serializers.DecimalField(max_digits=6, decimal_places=2, allow_null=True)
    day = serializers.DateTimeField(format="%d.%m.%Y", source="at")
    city = serializers.CharField(source="place.city")
    inner = Inner(many=True)
    when = serializers.DateTimeField(source="at")


@pytest.mark.parametrize(
    "value",
    [
        SimpleNamespace(price=Decimal(2), at=A_TIME, place={"city": "Oslo"}, inner=[{"text": 1}]),
        {"name": None, "price": None, "at": A_TIME.replace(tzinfo=None), "place": SimpleNamespace(city="Oslo"), "inner": ()},
        SimpleNamespace(skipped="", price="1.239", at="soon", place=None, inner=[]),
        SimpleNamespace(),
        {},
        None,
    ],
)  # fmt: skip
def test_defaults_and_missing_attributes_are_as_drfs(value: Any) -> None:
    assert compiled_outputs._compiled(Whole) is not None
    assert outcome(lambda: represent(Whole, value, {})) == outcome(lambda: Whole(value).data)


def test_timestamps_follow_the_current_time_zone() -> None:
    value = SimpleNamespace(at=A_TIME)

    class Moment(serializers.Serializer[Any]):
        at = serializers.DateTimeField()

    assert represent(Moment, value, {}) == {"at": "2026-03-01T12:30:15.000123Z"}
    with django_timezone.override("Asia/Tokyo"):
        assert represent(Moment, value, {}) == {"at": "2026-03-01T21:30:15.000123+09:00"}


class OfContext(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {self.context["name"]: serializers.CharField(source="text")}


class OfInstance(serializers.Serializer[Any]):
    def to_representation(self, instance: Any) -> Any:
        return {"upper": instance.text.upper()}


class WithFile(serializers.Serializer[Any]):
    text = serializers.FileField()


class WithNestedMethod(serializers.Serializer[Any]):
    class Part(serializers.Serializer[Any]):
        words = serializers.SerializerMethodField()

        def get_words(self, value: Any) -> list[str]:
            return [self.context["name"], value]

    text = Part()


class Keys(serializers.ModelSerializer[ServiceKey]):
    class Meta:
        model = ServiceKey
        fields = ("id", "name", "created_at", "last_used_at")


@pytest.mark.parametrize("output", [OfContext, OfInstance, WithNestedMethod, WithNestedMethod.Part])
def test_what_depends_on_the_request_is_left_to_drf_or_gets_it(output: Output) -> None:
    for name in ("one", "two"):
        context, value = {"name": name}, SimpleNamespace(text="hello")
        if output is WithNestedMethod.Part:
            assert represent(output, "x", context) == {"words": [name, "x"]}
            continue
        assert compiled_outputs._compiled(output) is None
        assert represent(output, value, context) == output(value, context=context).data
        assert represent_all(output, [value], context) == output([value], many=True, context=context).data


def test_files_and_related_rows_are_left_to_drf() -> None:
    class Related(serializers.Serializer[Any]):
        user: Any = serializers.PrimaryKeyRelatedField(read_only=True)

    assert compiled_outputs._compiled(WithFile) is None
    assert compiled_outputs._compiled(Related) is None


def test_model_serializers_are_compiled() -> None:
    key = ServiceKey(name="billing", created_at=A_TIME)
    assert compiled_outputs._compiled(Keys) is not None
    assert represent(Keys, key, {}) == dict(Keys(key).data)
