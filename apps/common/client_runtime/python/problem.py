"""What a call may fail with. All of it is a `ClientError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx


class ClientError(Exception):
    """A call that did not give what was asked for."""


class NetworkError(ClientError):
    """No answer: no line, no server, or none within the time that was allowed. `__cause__` is what httpx said."""


class UnexpectedAnswer(ClientError):
    """An answer that the schema does not know, which is neither a refusal."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        super().__init__(f"The server answered {response.status_code}, which is not in the schema.")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One fault of one field of the input. `field` is a path, as in `address.city` or `items.2`."""

    field: str
    code: str
    detail: str


class ProblemError(ClientError):
    """A refusal by the server: its problem document (RFC 9457) as an exception.

    `code` is stable and listed at `/api/problems/`; `detail` is safe to show; `request_id` names the call in the
    server's log; `retry_after` is in seconds, 0 where the server did not say.
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
        """What is wrong with one field, in the server's words."""
        return [error.detail for error in self.errors if error.field == field]


def problem_of(response: httpx.Response) -> ProblemError:
    """The refusal that a response holds. Its body has to be read."""
    said = _body(response)
    try:
        phrase = HTTPStatus(response.status_code).phrase
    except ValueError:
        phrase = f"The server answered {response.status_code}."
    title = _text(said, "title", phrase)
    return ProblemError(
        status=response.status_code,
        code=_text(said, "code", f"http_{response.status_code}"),
        title=title,
        detail=_text(said, "detail", title),
        type=_text(said, "type", "about:blank"),
        request_id=_text(said, "request_id", response.headers.get("X-Request-ID", "")),
        errors=_errors(said.get("errors")),
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _body(response: httpx.Response) -> Mapping[str, Any]:
    # Something in between may answer with a page of its own; the status still says enough.
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _text(said: Mapping[str, Any], key: str, otherwise: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else otherwise


def _errors(said: object) -> list[FieldProblem]:
    given = said if isinstance(said, list) else []
    return [
        FieldProblem(*(_text(error, key, "") for key in ("field", "code", "detail")))
        for error in given
        if isinstance(error, dict)
    ]


def _seconds(text: str) -> int:
    return int(text) if text.isdigit() else 0
