"""The problem documents of an operation, as OpenAPI responses with their codes and an example each.

Responses that several operations share become one component, named by its status and codes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from apps.api.openapi import components as schema_parts
from apps.api.openapi import error_codes
from apps.api.problems import status_of
from apps.api.zones.table import Floor, Zone
from apps.common.exceptions import DomainError
from apps.common.http import idempotency
from apps.common.http.authentication import authenticator
from infrastructure.problem_documents import CONTENT_TYPE, title_of

_OF_IDEMPOTENCY = (
    idempotency.IdempotencyKeyInvalid,
    idempotency.IdempotencyInFlight,
    idempotency.IdempotencyKeyReused,
    idempotency.IdempotencyAnswerLost,
)
DEFAULT = "AnyProblem"
# As RFC 9110 has them; the names in the standard library depend on Python's version.
# RFC 9110's words, which older Pythons do not have.
_RENAMED = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
_WORTH_SHARING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The declarations that determine the problems of an operation. `declared` has the texts that a view wrote for a status."""

    declared: Mapping[int, str]
    raised: tuple[type[DomainError], ...]
    has_body: bool
    has_parameters: bool
    has_path_parameters: bool
    is_unsafe: bool


class Problem(NamedTuple):
    """One response: its status, its codes in order, and the text before them (empty: the status's own)."""

    status: int
    codes: tuple[str, ...]
    words: str


def problems_of(zone: Zone, facts: Facts) -> list[Problem]:
    """The problems of an operation by status, without `default`."""
    codes: dict[int, set[str]] = defaultdict(set)
    if facts.has_body or facts.has_parameters:
        codes[400].add("invalid_input")
    if facts.has_body:
        codes[400].add("invalid_json")
        codes[413].add("payload_too_large")
        codes[415].add("unsupported_media_type")
    if facts.has_path_parameters:
        codes[404].add("not_found")
    for status, code in _always(zone):
        codes[status].add(code)
    for failure in (*facts.raised, *(_OF_IDEMPOTENCY if facts.is_unsafe else ())):
        codes[status_of(failure)].add(failure.code)
    for status, words in facts.declared.items():
        codes[status].update(_codes_in(words, status))
    return [
        Problem(status, tuple(sorted(codes[status])), facts.declared.get(status, ""))
        for status in sorted(codes)
    ]


@lru_cache(maxsize=128)
def _always(zone: Zone) -> tuple[tuple[int, str], ...]:
    """The problems of every operation of a zone."""
    codes = [
        (406, "not_acceptable"),
        (414, "uri_too_long"),
        (429, "too_many_requests"),
        (503, "unavailable"),
    ]
    if zone.authentication:
        codes.append((401, "not_authenticated"))
    if zone.floor is not Floor.ANYONE:
        codes.append((403, "permission_denied"))
    for name in zone.authentication:
        raised: tuple[type[DomainError], ...] = getattr(authenticator(name), "raises", ())
        codes += [(status_of(failure), failure.code) for failure in raised]
    return tuple(codes)


def _codes_in(description: str, status: int) -> set[str]:
    """The catalogued codes in a description."""
    words = set(re.findall(r"[a-z_]+", description))
    return {code.code for code in error_codes.codes() if code.status == status and code.code in words}


def add_problems(document: dict[str, Any], problems: list[tuple[dict[str, Any], list[Problem]]]) -> None:
    """Add the operations' problems to a document, with the components that they refer to."""
    uses = Counter(problem for _, of_one in problems for problem in of_one)
    shared: dict[str, Any] = {
        DEFAULT: {
            "description": "Any other failure, as a problem document.",
            "headers": schema_parts.failure_headers(500),
            "content": _content(()),
        }
    }
    made: dict[Problem, dict[str, Any]] = {}
    for problem, times in uses.items():
        response = _response(problem)
        if times >= _WORTH_SHARING and (name := _name(problem)) not in shared:
            shared[name] = response
            response = {"$ref": f"#/components/responses/{name}"}
        made[problem] = response
    for operation, of_one in problems:
        operation["responses"].update({str(problem.status): made[problem] for problem in of_one})
        operation["responses"]["default"] = {"$ref": f"#/components/responses/{DEFAULT}"}
    components = document.setdefault("components", {})
    codes = {code for problem in uses for code in problem.codes}
    components["examples"] = {code: {"value": _example(code)} for code in sorted(codes)}
    components["responses"] = dict(sorted(shared.items()))


def _response(problem: Problem) -> dict[str, Any]:
    listed = "\n".join(f"- `{code}`: {error_codes.lookup(code).detail}" for code in problem.codes)
    heading = problem.words or _words(problem.status)
    return {
        "description": f"{heading}\n\n{listed}" if listed else heading,
        "headers": schema_parts.failure_headers(problem.status),
        "content": _content(problem.codes),
    }


def _name(problem: Problem) -> str:
    phrase = "".join(re.findall(r"[A-Za-z]+", _words(problem.status).title()))
    codes = "".join(code.title().replace("_", "") for code in problem.codes)
    return phrase if codes in ("", phrase) else f"{phrase}Of{codes}"


def _words(status: int) -> str:
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def _example(code: str) -> dict[str, Any]:
    known = error_codes.lookup(code)
    return {
        "type": f"/api/problems/#{code}",
        "title": title_of(code),
        "status": known.status,
        "detail": known.detail,
        "code": code,
        "request_id": "5f2b6c1e9a7d4c3f8e0b1a2d3c4e5f60",
        "errors": [],
    }


def _content(codes: tuple[str, ...]) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if codes:
        media["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {CONTENT_TYPE: media}
