"""Problem documents (RFC 9457) of middleware and probes. Those of views are in apps.api.problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse

from infrastructure import problem_documents
from infrastructure.problem_documents import CONTENT_TYPE
from infrastructure.telemetry import context


class ProblemResponse(HttpResponse):
    """A problem document; `problem_code` is its code, for metrics."""

    problem_code = ""


def problem_response(
    *,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> ProblemResponse:
    """`{type, title, status, detail, code, request_id, errors}`, plus the members of `extra`."""
    document = problem_documents.document(
        status=status, code=code, detail=detail, request_id=context.request_id()
    )
    response = ProblemResponse(
        orjson.dumps({**document, **(extra or {})}),
        status=status,
        content_type=CONTENT_TYPE,
        headers=dict(headers or {}),
    )
    response.problem_code = code
    return response
