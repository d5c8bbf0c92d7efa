"""The hostile calls: every operation of every zone × the corpus. Sends nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from apps.api.tests.hostile import corpus, pictures
from apps.api.tests.hostile.corpus import FORM, JSON
from apps.api.zones import mounting
from apps.api.zones.endpoints import Endpoint
from apps.api.zones.routes import template
from infrastructure.server.tests.frames import Headers

_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LAST_PARAMETER: Final = re.compile(r"<[^>]*>(?=[^<]*$)")
HOLE: Final = "\ue000"  # where a hostile piece of a path goes


# Members for attempts of mass assignment.
EXTRA: Final[dict[str, Any]] = {
    "id": str(uuid4()),
    "is_staff": True,
    "is_superuser": True,
    "is_active": False,
    "role": "admin",
    "email_verified_at": "2020-01-01T00:00:00Z",
    "permissions": ["*"],
    "scopes": ["*"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `path` is a route with its parameters; `piece` replaces HOLE in it, or None."""

    method: bytes
    path: str
    floor: str
    why: str
    piece: bytes | None = None
    query: bytes = b""
    headers: Headers = ()
    body: bytes | None = None
    content_type: bytes | None = None
    is_chunked: bool = False


def calls() -> Iterator[Call]:
    """Every call, in the order of the endpoints."""
    for endpoint in mounting.mounted().endpoints:
        for method in endpoint.methods:
            yield from _operation(endpoint, method)
        for odd in corpus.METHODS:
            yield Call(method=odd, path=endpoint.path, floor=endpoint.floor, why=f"method {odd!r}")


def _operation(endpoint: Endpoint, method: str) -> Iterator[Call]:
    described = _described(endpoint, method)
    sample = _sample(described)
    valid: dict[str, Any] = {"method": method.encode(), "path": endpoint.path, "floor": endpoint.floor}
    body: dict[str, Any] = {}
    if method in _UNSAFE:
        body = {"body": json.dumps(sample).encode(), "content_type": JSON}
    yield Call(**valid, **body, why="a valid call")
    yield from _uploads(valid, described)
    if "206" in described.get("responses", {}):
        for value in corpus.RANGES:
            yield Call(**valid, headers=((b"Range", value),), why=f"range {value[:20]!r}")
    for number, headers in enumerate(corpus.HEADERS):
        yield Call(**valid, **body, headers=headers, why=f"header {number} {headers[0][0].decode()}")
    yield from _queries(valid, body, described)
    yield from _paths(endpoint, valid, body)
    if method in _UNSAFE:
        yield from _bodies(valid, sample)
        yield Call(
            **valid,
            body=corpus.GZIPPED,
            content_type=JSON,
            headers=((b"Content-Encoding", b"gzip"),),
            why="gzip",
        )
    else:
        yield Call(**valid, body=b"[" * 1_000, content_type=JSON, why="a body on a safe method")


def _uploads(valid: dict[str, Any], described: dict[str, Any]) -> Iterator[Call]:
    """Forms with files, where an operation takes some."""
    offered = described.get("requestBody", {}).get("content", {}).get("multipart/form-data")
    if offered is None:
        return
    fields = _properties(offered.get("schema", {}), described["components"].get("schemas", {}))
    for field in (name.encode() for name, schema in fields.items() if schema.get("format") == "binary"):
        sent = [(what, b"a.png", content) for what, content in pictures.pictures()]
        sent += [(f"file called {name[:20]!r}", name, corpus.PIXEL) for name in pictures.NAMES]
        for what, name, content in sent:
            form = corpus.part(b'name="' + field + b'"; filename="' + name + b'"', content) + corpus.END
            yield Call(**valid, body=form, content_type=corpus.MULTIPART, why=what)


def _properties(schema: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    found = named[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    properties: dict[str, Any] = found.get("properties", {})
    return properties


def _queries(valid: dict[str, Any], body: dict[str, Any], described: dict[str, Any]) -> Iterator[Call]:
    for query in corpus.QUERIES:
        yield Call(**valid, **body, query=query, why=f"query {query[:20]!r}")
    names = [item["name"] for item in described.get("parameters", ()) if item.get("in") == "query"]
    for name in names:
        for value in corpus.QUERY_VALUES:
            yield Call(
                **valid, **body, query=f"{name}=".encode() + value, why=f"?{name}= with {value[:20]!r}"
            )


def _paths(endpoint: Endpoint, valid: dict[str, Any], body: dict[str, Any]) -> Iterator[Call]:
    path = endpoint.path
    altered = [path.rstrip("/"), path + "/", path + HOLE, path.replace("/v1/", "//v1//"), path.upper()]
    pieces: list[tuple[str, bytes]] = [(route, b"%00") for route in altered]
    if _LAST_PARAMETER.search(path):
        pieces += [(_LAST_PARAMETER.sub(HOLE, path), piece) for piece in corpus.PATH_VALUES]
    else:
        pieces += [(path + HOLE, piece) for piece in corpus.PATH_VALUES[:6]]
    for route, piece in pieces:
        yield Call(**{**valid, "path": route}, **body, piece=piece, why=f"path {piece[:20]!r}")


def _bodies(valid: dict[str, Any], sample: dict[str, Any]) -> Iterator[Call]:
    for number, (kind, text) in enumerate(corpus.BODIES):
        yield Call(**valid, body=text, content_type=kind, why=f"body {number} {text[:20]!r}")
        if number % 4 == 0:
            yield Call(
                **valid,
                body=text,
                content_type=kind,
                is_chunked=True,
                why=f"chunked body {number} {text[:20]!r}",
            )
    for name in sample:
        others = {key: value for key, value in sample.items() if key != name}
        head = json.dumps(others).encode()[:-1] + (b", " if others else b"")
        for value in corpus.VALUES:
            yield Call(
                **valid,
                body=head + json.dumps(name).encode() + b": " + value + b"}",
                content_type=JSON,
                why=f"field {name} with {value[:20]!r}",
            )
        yield Call(**valid, body=json.dumps(others).encode(), content_type=JSON, why=f"without {name}")
    yield Call(
        **valid,
        body=json.dumps({**EXTRA, **sample}).encode(),
        content_type=JSON,
        why="more than is asked for",
    )
    form = "&".join(f"{name}=x" for name in sample).encode()
    yield Call(**valid, body=form, content_type=FORM, why="as a form")


def _described(endpoint: Endpoint, method: str) -> dict[str, Any]:
    """The operation in the zone's schema, empty where the schema leaves it out; `components` comes along."""
    data = _document(endpoint.zone, endpoint.version)
    found: dict[str, Any] = data["paths"].get(f"/{template(endpoint.path).lstrip('/')}", {})
    return {**found.get(method.lower(), {}), "components": data.get("components", {})}


_documents: dict[tuple[str, str], dict[str, Any]] = {}


def _document(zone: str, version: str) -> dict[str, Any]:
    if (zone, version) not in _documents:
        _documents[zone, version] = mounting.mounted().document(zone, version).data()
    return _documents[zone, version]


def _sample(described: dict[str, Any]) -> dict[str, Any]:
    """A body that is valid by the schema, as far as types tell."""
    content: dict[str, Any] = described.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = next((offered.get("schema", {}) for offered in content.values()), {})
    made = _value(schema, described["components"].get("schemas", {}))
    return made if isinstance(made, dict) else {}


def _value(schema: dict[str, Any], named: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(named[schema["$ref"].rpartition("/")[2]], named)
    for combined in ("allOf", "oneOf", "anyOf"):
        if combined in schema:
            return _value(schema[combined][0], named)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {name: _value(inner, named) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [_value(schema.get("items", {"type": "string"}), named)]
    texts = {
        "uuid": str(uuid4()),
        "email": "someone@example.com",
        "date-time": "2026-01-01T00:00:00Z",
        "uri": "https://example.com/",
    }
    return {"boolean": True, "integer": 1, "number": 1.5}.get(
        kind, texts.get(schema.get("format", ""), "a text")
    )
