"""Pages of messages by number: `?after=<seq>`, `?before=<seq>`, `?limit=`, in ascending order.

`?changed_after=<change>` lists edited and deleted messages instead, in the order of their last changes.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from apps.common.exceptions import FieldError, InvalidInput
from apps.common.http.pagination import LinkedPagination, page_size, query_parameter, size_parameters

_DIGITS = 18  # fits the column
_CURSORS = ("after", "before", "changed_after")


class MessagePagination(LinkedPagination):
    """`{next, previous, results}`. The default is the newest page. `next` leads to newer messages."""

    def paginate_queryset(
        self, queryset: Any, request: HttpRequest | Request, view: APIView | None = None
    ) -> list[Any]:
        """Returns the messages of the page, with one query. Raises InvalidInput."""
        size = page_size(request)
        given = {name: number for name in _CURSORS if (number := _number(request, name)) is not None}
        if len(given) > 1:
            first, second = list(given)[:2]
            raise InvalidInput(
                errors=[FieldError(field=second, code="invalid", detail=f"Not together with {first}.")]
            )
        after, before, changed_after = (given.get(name) for name in _CURSORS)
        url = request.build_absolute_uri()
        for name in given:
            url = remove_query_param(url, name)
        if changed_after is not None:
            rows = list(queryset.filter(change__gt=changed_after).order_by("change")[: size + 1])
            more, rows = len(rows) > size, rows[:size]
            self._next = replace_query_param(url, "changed_after", rows[-1].change) if more else None
            self._previous = None
            return rows
        if after is not None:
            rows = list(queryset.filter(seq__gt=after).order_by("seq")[: size + 1])
            more, rows = len(rows) > size, rows[:size]
            has_next, has_previous = more, after > 0
        else:
            older = queryset if before is None else queryset.filter(seq__lt=before)
            rows = list(older.order_by("-seq")[: size + 1])
            more, rows = len(rows) > size, rows[size - 1 :: -1] if len(rows) > size else rows[::-1]
            has_next, has_previous = before is not None, more
        self._next = replace_query_param(url, "after", rows[-1].seq) if rows and has_next else None
        self._previous = replace_query_param(url, "before", rows[0].seq) if rows and has_previous else None
        return rows

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        number = {"type": "integer", "minimum": 0, "maximum": 10**_DIGITS - 1}
        return [
            query_parameter("after", "Messages that follow this number.", number),
            query_parameter(
                "before", "The last messages below this number; not together with `after`.", number
            ),
            query_parameter(
                "changed_after",
                "Messages edited or deleted after this change, by their last change; not together with the others.",
                number,
            ),
            *size_parameters("Messages of a page"),
        ]


def _number(request: HttpRequest | Request, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise InvalidInput(errors=[FieldError(field=name, code="invalid", detail="A whole number.")])
    return int(text)
