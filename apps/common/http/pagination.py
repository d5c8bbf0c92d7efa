"""Keyset pagination of lists. The selector orders them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connection
from django.db.models import CharField, Model, Q, QuerySet, TextField, Value
from django.http import HttpRequest
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from apps.common.exceptions import FieldError, InvalidInput
from apps.common.http.fields import unknown

if TYPE_CHECKING:  # DRF's views import the default classes, among them these
    from rest_framework.views import APIView

DEFAULT_SIZE: Final = 20
MAX_SIZE: Final = 100
MAX_DIGITS: Final = 9  # of a `limit`; larger ones than MAX_SIZE count as MAX_SIZE
_MAX_CURSOR: Final = 4096


class InvalidCursor(InvalidInput):
    code = "invalid_cursor"
    detail = "The cursor does not belong to this list."


def page_size(request: HttpRequest | Request) -> int:
    """`?limit=` or `?page_size=`, the smaller one, at most MAX_SIZE; DEFAULT_SIZE without them.

    Raises InvalidInput for a value that is not a positive integer.
    """
    sizes = [_size(request, name) for name in ("limit", "page_size") if name in request.GET]
    return min(*sizes, MAX_SIZE) if sizes else DEFAULT_SIZE


def _size(request: HttpRequest | Request, name: str) -> int:
    text = request.GET.get(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) > 0):
        raise InvalidInput(errors=[FieldError(field=name, code="invalid", detail="A whole number above 0.")])
    return int(text)


class LinkedPagination(BasePagination):
    """`{next, previous, results}`. A subclass selects the rows, and sets the links."""

    _next: str | None
    _previous: str | None

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next, "previous": self._previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "The next page."},
                "previous": {**link, "description": "The page before."},
                "results": schema,
            },
        }


class KeysetPagination(LinkedPagination):
    """Each page starts after the last row of the previous one, at the same cost for every page.

    The QuerySet must be ordered by fields; the primary key is added as the tiebreak. A cursor has values of these fields,
    and is valid only for its ordering.
    """

    raises = (InvalidCursor,)  # for the schema

    def paginate_queryset(  # type: ignore[override]  # only QuerySets have keys
        self, queryset: QuerySet[Any], request: HttpRequest | Request, view: APIView | None = None
    ) -> list[Any] | None:
        """The rows of the requested page, in one query. Raises InvalidInput, InvalidCursor."""
        _refuse_unknown(request, view, self)
        size = page_size(request)
        self._url = request.build_absolute_uri()
        self._order = _ordering(queryset)
        self._signature = _signature(queryset.model, tuple(self._order))  # type: ignore[arg-type]  # classes hash
        cursor = request.GET.get("cursor")
        backwards, position = (False, None) if cursor is None else self._decode(cursor, queryset.model)
        order = [_opposite(name) for name in self._order] if backwards else self._order
        rows_after = queryset.order_by(*order)
        if position is not None:
            rows_after = rows_after.filter(_behind(queryset.model, order, position))
        rows = list(rows_after[: size + 1])
        more = len(rows) > size
        del rows[size:]
        if backwards:
            rows.reverse()
        has_next, has_previous = (position is not None, more) if backwards else (more, position is not None)
        self._next = self._link("n", rows[-1]) if rows and has_next else None
        self._previous = self._link("p", rows[0]) if rows and has_previous else None
        if not rows and position is not None:
            # Beyond the end: without a row for a cursor, link to the first page.
            self._previous, self._next = (None, self._first()) if backwards else (self._first(), None)
        return rows

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        description = "The start of the page, from `next` or `previous`."
        schema = {"type": "string", "minLength": 1, "maxLength": _MAX_CURSOR}
        return [query_parameter("cursor", description, schema), *size_parameters("Rows of a page")]

    def _first(self) -> str:
        return remove_query_param(self._url, "cursor")

    def _link(self, direction: Literal["n", "p"], row: Any) -> str:
        values = [_value(row, name.removeprefix("-")) for name in self._order]
        raw = orjson.dumps([direction, self._signature, *values], default=str)
        cursor = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return replace_query_param(self._url, "cursor", cursor)

    def _decode(self, cursor: str, model: type[Model]) -> tuple[bool, list[Any]]:
        """Whether the cursor goes backwards, and its values. Raises InvalidCursor."""
        if len(cursor) > _MAX_CURSOR or not cursor.isascii():
            raise InvalidCursor
        try:
            decoded = orjson.loads(
                base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            )
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        if not isinstance(decoded, list) or len(decoded) != 2 + len(self._order):
            raise InvalidCursor
        direction, signature, *values = decoded
        if direction not in ("n", "p") or signature != self._signature:
            raise InvalidCursor
        columns = [_field(model, name.removeprefix("-")) for name in self._order]
        return direction == "p", list(map(_bound, columns, values))


def _refuse_unknown(request: HttpRequest | Request, view: APIView | None, paging: BasePagination) -> None:
    """Refuse unknown query parameters of plain DRF lists. For operations, `@operation` refuses them."""
    if view is None:
        return
    filterset: Any = getattr(view, "filterset_class", None)
    known = {parameter["name"] for parameter in paging.get_schema_operation_parameters(view)}
    known |= {*(filterset.base_filters if filterset else ()), *getattr(view, "query_parameters", ())}
    known |= {"search"} if getattr(view, "search_fields", ()) else set()
    known |= {"ordering"} if getattr(view, "ordering_fields", ()) else set()
    if refused := unknown(request.GET, known, detail="There is no such parameter."):
        raise InvalidInput(errors=refused)


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def size_parameters(description: str) -> list[dict[str, Any]]:
    """The parameters of `page_size` in OpenAPI."""
    bounds = {"type": "integer", "minimum": 1, "maximum": 10**MAX_DIGITS - 1}
    description = f"{description}; more than {MAX_SIZE} count as {MAX_SIZE}."
    return [
        query_parameter("limit", description, {**bounds, "default": DEFAULT_SIZE}),
        query_parameter("page_size", "Another name of `limit`; the smaller value is used.", bounds),
    ]


def _ordering(queryset: QuerySet[Any]) -> list[str]:
    """The QuerySet's ordering, with the primary key at the end. Raises TypeError for expressions, or without one."""
    query = queryset.query
    names: Sequence[Any] = (
        query.order_by or (query.get_meta().ordering if query.default_ordering else ()) or ()
    )
    if not names or not all(isinstance(name, str) and name != "?" for name in names):
        raise TypeError("Keyset pagination needs a QuerySet that is ordered by names of fields.")
    key = query.get_meta().pk.name
    order = [{"pk": key, "-pk": f"-{key}"}.get(name, name) for name in names]
    if key not in (name.removeprefix("-") for name in order):
        order.append(f"-{key}" if order[-1].startswith("-") else key)
    return order


@lru_cache(maxsize=1024)
def _signature(model: type[Model], order: tuple[str, ...]) -> str:
    return hashlib.sha256(f"{model._meta.label}:{','.join(order)}".encode()).hexdigest()[:8]


def _opposite(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _behind(model: type[Model], order: Sequence[str], position: Sequence[Any]) -> Q:
    """Rows after a position: (a > x) or (a = x and b > y) …, with a bound of the first column for its index."""
    condition, equal = Q(), Q()
    for name, value in zip(order, position, strict=True):
        field = name.removeprefix("-")
        condition |= equal & _beyond(model, name, value)
        equal &= Q(**{f"{field}__isnull": True} if value is None else {field: value})
    first, bound = order[0], position[0]
    if bound is None or (not first.startswith("-") and _is_nullable(model, first)):
        return condition
    field, lookup = (first[1:], "lte") if first.startswith("-") else (first, "gte")
    return Q(**{f"{field}__{lookup}": bound}) & condition


def _beyond(model: type[Model], name: str, value: Any) -> Q:
    """Rows after a value of one column. PostgreSQL sorts null after all values, and before them when descending."""
    field, is_backwards = name.removeprefix("-"), name.startswith("-")
    if value is None:
        return Q(**{f"{field}__isnull": False}) if is_backwards else Q(pk__in=())
    after = Q(**{f"{field}__{'lt' if is_backwards else 'gt'}": value})
    return (
        after | Q(**{f"{field}__isnull": True}) if not is_backwards and _is_nullable(model, name) else after
    )


def _bound(field: Any, value: Any) -> Any:
    """The value of a column in a cursor. Raises InvalidCursor for a value that no row can have."""
    if value is None:
        return None
    try:
        if isinstance(field, CharField | TextField):
            if type(value) is not str or "\x00" in value:
                raise InvalidCursor
            # An expression, because the field would validate or convert a value.
            return Value(value, output_field=TextField())
        found = field.to_python(value)
    except (ValidationError, ValueError, TypeError, OverflowError):
        raise InvalidCursor from None
    if isinstance(found, datetime) and found.tzinfo is None:
        raise InvalidCursor
    if type(found) is int:
        low, high = connection.ops.integer_field_range(field.get_internal_type())
        if not (low or found) <= found <= (high or found):
            raise InvalidCursor
    return found


def _field(model: type[Model], path: str) -> Any:
    """The field at the end of a path like `user__name`."""
    *relations, last = path.split("__")
    for relation in relations:
        related = model._meta.get_field(relation).related_model
        if not isinstance(related, type):
            raise FieldDoesNotExist(path)
        model = related
    return model._meta.get_field(last)


def _is_nullable(model: type[Model], name: str) -> bool:
    path = name.removeprefix("-").split("__")
    return any(_field(model, "__".join(path[: length + 1])).null for length in range(len(path)))


def _value(row: Any, path: str) -> Any:
    if isinstance(row, Mapping):
        return row[path]
    for name in path.split("__"):
        row = getattr(row, name)
    return row
