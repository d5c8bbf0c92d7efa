"""Pages of messages by their number: `?after=<seq>`, `?before=<seq>`, `?limit=`; always in the order they were said."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from apps.common.exceptions import FieldError, InvalidInput
from apps.common.http.pagination import LinkedPagination, limit_parameter, page_size, query_parameter

_DIGITS = 18  # fits the column


class MessagePagination(LinkedPagination):
    """`{next, previous, results}`. Without `after` and `before`: the newest page. `next` leads towards newer messages."""

    def paginate_queryset(
        self, queryset: Any, request: HttpRequest | Request, view: APIView | None = None
    ) -> list[Any]:
        """The page's messages, by one query. Raises InvalidInput."""
        size = page_size(request)
        after, before = _number(request, "after"), _number(request, "before")
        if after is not None and before is not None:
            raise InvalidInput(
                errors=[FieldError(field="before", code="invalid", detail="Not together with after.")]
            )
        if after is not None:
            rows = list(queryset.filter(seq__gt=after).order_by("seq")[: size + 1])
            more, rows = len(rows) > size, rows[:size]
            has_next, has_previous = more, after > 0
        else:
            older = queryset if before is None else queryset.filter(seq__lt=before)
            rows = list(older.order_by("-seq")[: size + 1])
            more, rows = len(rows) > size, rows[size - 1 :: -1] if len(rows) > size else rows[::-1]
            has_next, has_previous = before is not None, more
        url = remove_query_param(remove_query_param(request.build_absolute_uri(), "after"), "before")
        self._next = replace_query_param(url, "after", rows[-1].seq) if rows and has_next else None
        self._previous = replace_query_param(url, "before", rows[0].seq) if rows and has_previous else None
        return rows

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """`after`, `before` and `limit` in OpenAPI."""
        number = {"type": "integer", "minimum": 0, "maximum": 10**_DIGITS - 1}
        return [
            query_parameter("after", "Messages that follow this number.", number),
            query_parameter(
                "before", "The last messages below this number; not together with `after`.", number
            ),
            limit_parameter("Messages of a page"),
        ]


def _number(request: HttpRequest | Request, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise InvalidInput(errors=[FieldError(field=name, code="invalid", detail="The number of a message.")])
    return int(text)
