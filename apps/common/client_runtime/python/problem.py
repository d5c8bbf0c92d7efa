"""The exceptions of a call. All of them are `ClientError`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx


class ClientError(Exception):
    """A call failed."""


class NetworkError(ClientError):
    """The server did not answer, or not in time. `__cause__` is the exception of httpx."""


class UnexpectedAnswer(ClientError):
    """An answer that is not in the schema and is not an error."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        super().__init__(f"The server answered {response.status_code}, which is not in the schema.")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of the input. `field` is a path, such as `address.city` or `items.2`."""

    field: str
    code: str
    detail: str


class ProblemError(ClientError):
    """The server refused a call: its problem document (RFC 9457) as an exception.

    `code` is stable and listed at `/api/problems/`; `detail` is safe to show; `request_id` identifies the call in the
    server's log; `retry_after` is in seconds, 0 when the server sent none.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        title: str,
        detail: str,
        type: str = "about:blank",
        request_id: str = "",
        errors: Sequence[FieldProblem] = (),
        retry_after: int = 0,
    ) -> None:
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.type = type
        self.request_id = request_id
        self.errors = tuple(errors)
        self.retry_after = retry_after
        super().__init__(f"{code}: {detail}")

    def about(self, field: str) -> list[str]:
        """The server's messages about one field."""
        return [error.detail for error in self.errors if error.field == field]


def problem_of(response: httpx.Response) -> ProblemError:
    """Converts a response to an exception. Its body must have been read."""
    body = _body(response)
    try:
        phrase = HTTPStatus(response.status_code).phrase
    except ValueError:
        phrase = f"The server answered {response.status_code}."
    title = _text(body, "title", phrase)
    return ProblemError(
        status=response.status_code,
        code=_text(body, "code", f"http_{response.status_code}"),
        title=title,
        detail=_text(body, "detail", title),
        type=_text(body, "type", "about:blank"),
        request_id=_text(body, "request_id", response.headers.get("X-Request-ID", "")),
        errors=_errors(body.get("errors")),
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _body(response: httpx.Response) -> Mapping[str, Any]:
    # A proxy may answer with a page of its own.
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _text(body: Mapping[str, Any], key: str, default: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else default


def _errors(value: object) -> list[FieldProblem]:
    errors = value if isinstance(value, list) else []
    return [
        FieldProblem(*(_text(error, key, "") for key in ("field", "code", "detail")))
        for error in errors
        if isinstance(error, dict)
    ]


def _seconds(text: str) -> int:
    return int(text) if text.isdigit() else 0
