"""Problem documents (RFC 9457) for what goes wrong before a view is reached. Views' errors are apps.api.problems'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse

from infrastructure.telemetry import context

CONTENT_TYPE = "application/problem+json"


def title_of(code: str) -> str:
    """A code in words, the same at each occurrence: `email_taken` is "Email taken"."""
    return code.replace("_", " ").capitalize()


def problem_response(
    *,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """`{type, title, status, detail, code, request_id, errors}`, plus the members of `extra`."""
    document = {
        "type": f"/api/problems/#{code}",
        "title": title_of(code),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": context.request_id(),
        "errors": [],
        **(extra or {}),
    }
    return HttpResponse(
        orjson.dumps(document), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {})
    )
