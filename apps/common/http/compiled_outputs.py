"""Renders output serializers without their work per request: DRF copies and binds all fields of a serializer each time.

`represent` and `represent_all` return what the serializer's `data` would be. A serializer is compiled at its first use. One
that has any part of its own which could depend on the request or the instance (a `to_representation`, an `__init__`, a
field of another kind) is left to DRF as a whole. `get_fields` is called once, without an instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import ObjectDoesNotExist
from django.db.models.manager import BaseManager
from django.utils import timezone
from rest_framework import ISO_8601, serializers
from rest_framework.fields import SkipField
from rest_framework.settings import api_settings

Output = type[serializers.BaseSerializer[Any]]
_Convert = Callable[[Any], Any]
_Part = tuple[str, Callable[[Any], Any], _Convert, Any]

# Methods of DRF's that read nothing but their field and the value.
_PURE: Final = frozenset(
    kind.to_representation
    for kind in (
        serializers.BooleanField,
        serializers.CharField,
        serializers.ChoiceField,
        serializers.DateField,
        serializers.DateTimeField,
        serializers.DecimalField,
        serializers.DurationField,
        serializers.FloatField,
        serializers.IntegerField,
        serializers.JSONField,
        serializers.ReadOnlyField,
        serializers.TimeField,
        serializers.UUIDField,
        type(serializers.ListField().child),  # of lists and dictionaries without a declared child
    )
)
_UTC_ZONES: Final = frozenset({UTC, ZoneInfo("UTC")})
_MISSING: Final = (AttributeError, KeyError, ObjectDoesNotExist)


class _NotCompilable(Exception):
    """The serializer is left to DRF."""


class _NoContext(dict[str, Any]):
    """Refuses to be read, because compiled fields serve all requests."""

    def _refuse(self, *_: Any) -> Any:
        raise _NotCompilable

    __getitem__ = __contains__ = __iter__ = get = keys = items = values = _refuse


_known: Final[dict[Output, _Compiled | None]] = {}


def represent(output: Output, value: Any, context: Mapping[str, Any]) -> Any:
    """The representation of a value."""
    compiled = None if value is None else _compiled(output)
    return output(value, context=context).data if compiled is None else compiled.render(context)(value)


def represent_all(output: Output, values: Iterable[Any], context: Mapping[str, Any]) -> Any:
    """The representations of many values."""
    compiled = _compiled(output)
    if compiled is None or hasattr(getattr(output, "Meta", None), "list_serializer_class"):
        return output(values, many=True, context=context).data
    return list(map(compiled.render(context), values))


class _Compiled:
    """A serializer, bound once."""

    def __init__(self, bound: serializers.Serializer[Any]) -> None:
        self._bound = bound
        self._parts: list[_Part] = []
        self._methods: list[tuple[str, str]] = []
        parent: Any = bound.parent
        fields: list[Any] = list(bound._readable_fields)  # noqa: SLF001
        for field in fields:
            if isinstance(field, serializers.SerializerMethodField):
                if type(field) is not serializers.SerializerMethodField or parent is not None:
                    raise _NotCompilable
                self._methods.append((str(field.field_name), str(field.method_name)))
                self._parts.append((str(field.field_name), _itself, _itself, field))
            else:
                self._parts.append((field.field_name, _getter(field), _converter(field), field))

    def render(self, context: Mapping[str, Any]) -> _Convert:
        """The conversion of one value; methods of the serializer find the context."""
        if not self._methods:
            return self._represent
        serializer = object.__new__(type(self._bound))
        vars(serializer).update(vars(self._bound), _context=context)
        methods = {name: getattr(serializer, method) for name, method in self._methods}
        parts = [(name, get, methods.get(name, convert), field) for name, get, convert, field in self._parts]

        def represent(value: Any) -> dict[str, Any]:
            serializer.instance = value
            return _represent(parts, value)

        return represent

    def _represent(self, value: Any) -> dict[str, Any]:
        return _represent(self._parts, value)


def _represent(parts: list[_Part], value: Any) -> dict[str, Any]:
    """As DRF's `Serializer.to_representation`."""
    found = {}
    is_mapping = isinstance(value, Mapping)
    for name, get, convert, field in parts:
        try:
            attribute = field.get_attribute(value) if is_mapping else get(value)
            # A callable, or what is missing, is DRF's to judge: a default, null, or an error.
            if callable(attribute):
                attribute = field.get_attribute(value)
        except SkipField:
            continue
        except _MISSING:
            try:
                attribute = field.get_attribute(value)
            except SkipField:
                continue
        found[name] = None if attribute is None else convert(attribute)
    return found


def _compiled(output: Output) -> _Compiled | None:
    """None for a serializer that is left to DRF."""
    if output not in _known:
        try:
            if not issubclass(output, serializers.Serializer):
                raise _NotCompilable
            _known[output] = _compile(output(context=_NoContext()))
        except _NotCompilable:
            _known[output] = None
    return _known[output]


def _compile(bound: serializers.Serializer[Any]) -> _Compiled:
    own = type(bound)
    for name in ("__init__", "to_representation", "data", "fields", "_readable_fields", "get_attribute"):
        if getattr(own, name) is not getattr(serializers.Serializer, name):
            raise _NotCompilable
    return _Compiled(bound)


def _getter(field: Any) -> Callable[[Any], Any]:
    if type(field).get_attribute is not serializers.Field.get_attribute:
        raise _NotCompilable
    return attrgetter(".".join(field.source_attrs)) if field.source_attrs else _itself


def _converter(field: Any) -> _Convert:
    """What `to_representation` of a field does."""
    convert: _Convert = field.to_representation
    method = type(field).to_representation
    if method is serializers.CharField.to_representation:
        return str
    if method is serializers.IntegerField.to_representation:
        return int
    if method is serializers.DateTimeField.to_representation:
        return _timestamp(field, convert)
    if method is serializers.BooleanField.to_representation:
        return lambda value: value if value is True or value is False else convert(value)
    if method in _PURE:
        return convert
    if method is serializers.ListField.to_representation:
        each = _converter(field.child)
        return lambda values: [None if value is None else each(value) for value in values]
    if method is serializers.DictField.to_representation:
        each = _converter(field.child)
        return lambda values: {
            str(name): None if value is None else each(value) for name, value in values.items()
        }
    if method is serializers.ListSerializer.to_representation:
        render = _compile(field.child).render({})
        return lambda values: [
            render(value) for value in (values.all() if isinstance(values, BaseManager) else values)
        ]
    if isinstance(field, serializers.Serializer):
        return _compile(field).render({})
    raise _NotCompilable


def _timestamp(field: Any, convert: _Convert) -> _Convert:
    if getattr(field, "format", api_settings.DATETIME_FORMAT) != ISO_8601 or hasattr(field, "timezone"):
        return convert

    def text(value: Any) -> Any:
        if type(value) is datetime and value.tzinfo is UTC and timezone.get_current_timezone() in _UTC_ZONES:
            return value.isoformat()[:-6] + "Z"
        return convert(value)

    return text


def _itself(value: Any) -> Any:
    return value
