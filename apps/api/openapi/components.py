"""The components of every zone's document: information, security schemes, headers, parameters, the problem shape."""

from __future__ import annotations

from typing import Any

from apps.api.zones.table import Version, Zone
from apps.common.http import idempotency
from apps.common.http.authentication import challenge_of
from infrastructure.product import PRODUCT

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `errors` lists the faults of single fields.",
    "required": ["type", "title", "status", "detail", "code", "request_id", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemField"}},
    },
}
PROBLEM_FIELD = {
    "type": "object",
    "required": ["field", "code", "detail"],
    "properties": {
        "field": {"type": "string", "description": "Path in the input, as in `address.city` or `items.2`."},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_HEADERS = {
    "RequestId": ("X-Request-ID", "Names this call in the log.", {"type": "string"}),
    "RateLimit": (
        "RateLimit",
        'What is left of the tightest limit, and seconds until more is free: `"120-per-60s";r=119;t=60`.',
        {"type": "string"},
    ),
    "RateLimitPolicy": ("RateLimit-Policy", 'The limits: `"120-per-60s";q=120;w=60`.', {"type": "string"}),
    "RetryAfter": ("Retry-After", "Seconds to wait.", {"type": "integer", "minimum": 1}),
    "Challenge": ("WWW-Authenticate", "How to authenticate (RFC 9110).", {"type": "string"}),
    "Replayed": (
        idempotency.REPLAYED,
        "`true` where the answer is the stored one of an earlier call with the same key.",
        {"type": "string", "const": "true"},
    ),
    "Deprecation": ("Deprecation", "Since when the version is deprecated (RFC 9745).", {"type": "string"}),
    "Sunset": ("Sunset", "When the version ends (RFC 8594).", {"type": "string"}),
    "Link": ("Link", "The version that follows, and what to do (RFC 8288).", {"type": "string"}),
}
_COMMON = ("RequestId", "RateLimit", "RateLimitPolicy")
_OF_OLD_VERSIONS = ("Deprecation", "Sunset", "Link")
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a sign-in.",
    },
    "service": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Api-Key <key>`: the key of a service.",
    },
}


def failure_headers(status: int) -> dict[str, Any]:
    """References to the headers of a failure."""
    match status:
        case 401:
            return _refer("RequestId", "Challenge")
        case 429:
            return _refer(*_COMMON, "RetryAfter")
        case 503:
            return _refer("RequestId", "RetryAfter")
        case _:
            return _refer("RequestId")


def complete(response: dict[str, Any], version: Version, *, is_unsafe: bool) -> None:
    """Add the headers of a successful response, and the description that OpenAPI requires."""
    response["description"] = response.get("description") or "Done."
    names = (
        *_COMMON,
        *(("Replayed",) if is_unsafe else ()),
        *(_OF_OLD_VERSIONS if version.deprecated is not None else ()),
    )
    response["headers"] = {**_refer(*names), **response.get("headers", {})}


def _refer(*names: str) -> dict[str, Any]:
    return {_HEADERS[name][0]: {"$ref": f"#/components/headers/{name}"} for name in names}


def info(zone: Zone, version: Version) -> dict[str, Any]:
    """Title, version and description of a document."""
    words = [zone.description]
    if version.deprecated is not None:
        notice = f"**This version is deprecated since {version.deprecated.isoformat()}.**"
        if version.sunset is not None:
            notice += f" It ends on {version.sunset.isoformat()}."
        if version.notice:
            notice += f" [What to do]({version.notice})."
        words.insert(0, notice)
    return {
        "title": f"{PRODUCT.name}: {zone.title}",
        "version": version.name,
        "description": "\n\n".join(words),
    }


def add_components(document: dict[str, Any], zone: Zone, version: Version) -> None:
    """Add the shared components to a document."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update({"Problem": PROBLEM, "ProblemField": PROBLEM_FIELD})
    components["schemas"] = dict(sorted(components["schemas"].items()))
    components["headers"] = {
        name: {"description": description, "schema": schema}
        for name, (_, description, schema) in _HEADERS.items()
        if version.deprecated is not None or name not in _OF_OLD_VERSIONS
    }
    components["parameters"] = {
        "IdempotencyKey": {
            "in": "header",
            "name": "Idempotency-Key",
            "required": False,
            "description": "The same key and body again get the stored answer instead of a second effect.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        }
    }
    components["securitySchemes"] = {
        name: _SCHEMES.get(name)
        or {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"`{challenge_of(name)} <credential>`.",
        }
        for name in zone.authentication
    }
