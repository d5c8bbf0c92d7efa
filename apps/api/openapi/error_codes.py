"""Every code of a problem document, with its status and meaning, collected from the exceptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from apps.api.problems import status_of
from apps.common import slices
from apps.common.exceptions import DomainError


@dataclass(frozen=True, slots=True, order=True)
class Code:
    """One code of the API."""

    code: str
    status: int
    detail: str


# Codes of DRF, Django and the router.
_OWN = (
    Code("bad_request", 400, "The request is malformed."),
    Code("parse_error", 400, "The body could not be read."),
    Code("invalid_json", 400, "The body is not valid JSON."),
    Code("duplicate_key", 400, "An object of the body has two members of one name."),
    Code("null_character", 400, "Texts must not contain U+0000."),
    Code("too_deep", 400, "The body is nested too deeply."),
    Code("method_not_allowed", 405, "This method is not offered here; see the Allow header."),
    Code("not_acceptable", 406, "None of the accepted media types is offered."),
    Code("request_timeout", 408, "The request took too long to arrive (said by the edge)."),
    Code(
        "precondition_failed",
        412,
        "The file has another version than the request asks for (said by the edge).",
    ),
    Code("payload_too_large", 413, "The request body is too large."),
    Code("uri_too_long", 414, "The address is longer than is accepted (said by the edge)."),
    Code("upgrade_required", 426, "This address is a WebSocket."),
    Code("headers_too_large", 431, "The headers are longer, or more, than is accepted (said by the edge)."),
    Code("unsupported_media_type", 415, "This media type is not read here."),
    Code("internal_error", 500, "Something went wrong on our side. Name the request id when you report it."),
    Code("gateway_timeout", 504, "The service took too long to answer (said by the edge)."),
)


def _failures(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for failure in kind.__subclasses__():
        yield failure
        yield from _failures(failure)


def _load() -> None:
    """Import every slice's exceptions."""
    for _ in slices.modules("exceptions"):
        pass


def declared() -> list[type[DomainError]]:
    """Every failure of the installed apps that has a code of its own, except in tests."""
    _load()
    return [
        failure
        for failure in _failures()
        if "code" in failure.__dict__
        and failure.__module__.startswith("apps.")
        and ".tests" not in failure.__module__
    ]


def clashes() -> list[tuple[str, list[int]]]:
    """Codes with more than one status."""
    statuses: dict[str, set[int]] = defaultdict(set)
    for failure in declared():
        statuses[failure.code].add(status_of(failure))
    return [(code, sorted(found)) for code, found in sorted(statuses.items()) if len(found) > 1]


@cache
def codes() -> tuple[Code, ...]:
    """All codes, by status and name."""
    found = {code.code: code for code in _OWN}
    for failure in declared():
        found.setdefault(failure.code, Code(failure.code, status_of(failure), failure.detail))
    return tuple(sorted(found.values(), key=lambda code: (code.status, code.code)))


@cache
def lookup(code: str) -> Code:
    """The meaning of a code, catalogued or not: a view may raise a failure of its own. Raises KeyError for an invalid code."""
    for known in codes():
        if known.code == code:
            return known
    for failure in _failures():
        if failure.code == code:
            return Code(code, status_of(failure), failure.detail)
    raise KeyError(code)
