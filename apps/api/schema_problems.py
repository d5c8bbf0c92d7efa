"""Which problem documents an operation may answer with, as OpenAPI responses with their codes and an example each."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from apps.api import catalogue, schema_parts
from apps.api.problems import status_of
from apps.api.zones import Floor, Zone
from apps.common import idempotency
from apps.common.authentication import authenticator
from apps.common.exceptions import DomainError
from apps.common.problems import CONTENT_TYPE, title_of

_OF_IDEMPOTENCY = (
    idempotency.IdempotencyKeyInvalid,
    idempotency.IdempotencyInFlight,
    idempotency.IdempotencyKeyReused,
)
DEFAULT = "AnyProblem"
# As RFC 9110 has them; the names in the standard library depend on Python's version.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
_WORTH_SHARING = 2


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
    if has_body or has_parameters:
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
    for name in zone.authentication:
        raised = (*raised, *getattr(authenticator(name), "raises", ()))
    for failure in (*raised, *(_OF_IDEMPOTENCY if is_unsafe else ())):
        codes[status_of(failure)].add(failure.code)
    words: dict[int, str] = {}
    for status, response in declared.items():
        if status.isdecimal():
            words[int(status)] = str(response.get("description", ""))
            codes[int(status)].update(_codes_in(words[int(status)], int(status)))
    responses = {
        str(status): _response(status, sorted(codes[status]), words.get(status, ""))
        for status in sorted(codes)
    }
    responses["default"] = {"$ref": f"#/components/responses/{DEFAULT}"}
    return responses


def _codes_in(description: str, status: int) -> set[str]:
    """The catalogued codes that a description names."""
    words = set(re.findall(r"[a-z_]+", description))
    return {code.code for code in catalogue.codes() if code.status == status and code.code in words}


def _response(status: int, codes: list[str], words: str) -> dict[str, Any]:
    listed = "\n".join(f"- `{code}`: {catalogue.lookup(code).detail}" for code in codes)
    heading = words or _words(status)
    return {
        "description": f"{heading}\n\n{listed}" if listed else heading,
        "headers": schema_parts.failure_headers(status),
        "content": _content({code: {"$ref": f"#/components/examples/{code}"} for code in codes}),
    }


def add_components(document: dict[str, Any]) -> None:
    """Put what the responses refer to into a document: an example for each code in use, and the default response.

    A response that several operations share word for word becomes one component, named by its status and codes.
    """
    uses: dict[str, list[dict[str, Any]]] = defaultdict(list)
    used: set[str] = set()
    for item in document["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                media = response.get("content", {}).get(CONTENT_TYPE)
                if status.isdecimal() and media is not None:
                    used.update(media.get("examples", ()))
                    uses[f"{_phrase(int(status))} {json.dumps(response, sort_keys=True)}"].append(operation)
    components = document.setdefault("components", {})
    components["examples"] = {code: {"value": _example(catalogue.lookup(code))} for code in sorted(used)}
    shared: dict[str, Any] = {
        DEFAULT: {
            "description": "Any other failure, as a problem document.",
            "headers": schema_parts.failure_headers(500),
            "content": _content({}),
        }
    }
    for text, operations in uses.items():
        if len(operations) < _WORTH_SHARING:
            continue
        phrase, _, body = text.partition(" ")
        response = json.loads(body)
        codes = "".join(
            code.title().replace("_", "") for code in response["content"][CONTENT_TYPE].get("examples", ())
        )
        name = phrase if codes in ("", phrase) else f"{phrase}Of{codes}"
        shared[name] = response
        status = next(key for key, value in operations[0]["responses"].items() if value == response)
        for operation in operations:
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    components["responses"] = dict(sorted(shared.items()))


def _words(status: int) -> str:
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def _phrase(status: int) -> str:
    return "".join(re.findall(r"[A-Za-z]+", _words(status).title()))


def _example(code: catalogue.Code) -> dict[str, Any]:
    return {
        "type": f"/api/problems/#{code.code}",
        "title": title_of(code.code),
        "status": code.status,
        "detail": code.detail,
        "code": code.code,
        "request_id": "5f2b6c1e9a7d4c3f8e0b1a2d3c4e5f60",
        "errors": [],
    }


def _content(examples: dict[str, Any]) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {CONTENT_TYPE: media | ({"examples": examples} if examples else {})}
