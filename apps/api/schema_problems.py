"""Which problem documents an operation may answer with, as OpenAPI responses with their codes and an example each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from apps.api import catalogue, schema_parts
from apps.api.problems import status_of
from apps.api.zones import Floor, Zone
from apps.common import idempotency
from apps.common.exceptions import DomainError
from apps.common.problems import CONTENT_TYPE

_OF_IDEMPOTENCY = (
    idempotency.IdempotencyKeyInvalid,
    idempotency.IdempotencyInFlight,
    idempotency.IdempotencyKeyReused,
)
_WITH_RETRY_AFTER = frozenset({429, 503})


def problem_responses(
    *,
    zone: Zone,
    declared: Mapping[str, Mapping[str, Any]],
    raised: Iterable[type[DomainError]],
    has_body: bool,
    has_parameters: bool,
    has_path_parameters: bool,
    is_unsafe: bool,
) -> dict[str, Any]:
    """The responses by status, ending with `default` for what any call may meet.

    `declared` are the error responses that the view wrote down itself: their descriptions are kept.
    """
    codes: dict[int, set[str]] = defaultdict(set)
    if has_body or has_parameters or is_unsafe:
        codes[400].add("invalid_input")
    if has_body:
        codes[400].add("invalid_json")
        codes[413].add("payload_too_large")
        codes[415].add("unsupported_media_type")
    if zone.authentication:
        codes[401].add("not_authenticated")
    if zone.floor is not Floor.ANYONE:
        codes[403].add("permission_denied")
    if has_path_parameters:
        codes[404].add("not_found")
    codes[429].add("too_many_requests")
    details = {code.code: code.detail for code in catalogue.codes()}
    for failure in (*raised, *(_OF_IDEMPOTENCY if is_unsafe else ())):
        codes[status_of(failure)].add(failure.code)
        details.setdefault(failure.code, failure.detail)
    words: dict[int, str] = {}
    for status, response in declared.items():
        if status.isdecimal():
            codes[int(status)].update(_codes_in(str(response.get("description", "")), int(status)))
            words[int(status)] = str(response.get("description", ""))
    responses = {
        str(status): _response(
            status, {code: details[code] for code in sorted(codes[status])}, words.get(status, "")
        )
        for status in sorted(codes)
    }
    responses["default"] = {
        "description": "Any other failure, as a problem document.",
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}},
        "content": _content(),
    }
    return responses


def _codes_in(description: str, status: int) -> set[str]:
    """The catalogued codes that a description names."""
    words = set(description.replace("`", " ").replace(",", " ").replace(":", " ").replace(".", " ").split())
    return {code.code for code in catalogue.codes() if code.status == status and code.code in words}


def _response(status: int, details: Mapping[str, str], words: str) -> dict[str, Any]:
    listed = "\n".join(f"- `{code}`: {detail}" for code, detail in details.items())
    heading = words or HTTPStatus(status).phrase
    examples = {
        code: {
            "value": {
                "type": f"/api/problems/#{code}",
                "title": HTTPStatus(status).phrase,
                "status": status,
                "detail": detail,
                "code": code,
                "request_id": "5f2b6c1e9a7d4c3f8e0b1a2d3c4e5f60",
                "errors": [],
            }
        }
        for code, detail in details.items()
    }
    content = _content()
    content[CONTENT_TYPE]["examples"] = examples
    return {
        "description": f"{heading}\n\n{listed}" if listed else heading,
        "headers": schema_parts.headers(retry_after=status in _WITH_RETRY_AFTER),
        "content": content,
    }


def _content() -> dict[str, Any]:
    return {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
