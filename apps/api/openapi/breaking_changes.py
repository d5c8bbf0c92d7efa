"""Finds changes in an OpenAPI document that break callers of an older one, operation by operation, with references resolved.

Callers may send what the older document allowed, and rely on what it promised. So inputs may only be widened, and
outputs only be narrowed. Not compared: bounds and patterns of outputs, texts, examples, and the set of failures.
`operationId` counts, as generated clients are named after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

Tree = Mapping[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ALL_TYPES: Final = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One breaking change: the operation (or the whole document), and the reason."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class _Way(Enum):
    IN = "request"
    OUT = "response"


def breaking_changes(old: Tree, new: Tree) -> list[Change]:
    """All of them, in order. Both are OpenAPI 3.1 documents as data."""
    return sorted(set(_Comparison(old, new).changes()))


def _shape(path: str) -> str:
    """A path without the names of its parameters, which URLs do not contain."""
    return re.sub(r"\{[^}]*\}", "{}", path)


class _Comparison:
    def __init__(self, old: Tree, new: Tree) -> None:
        self._old, self._new = old, new
        self._under_way: set[tuple[tuple[str, ...], tuple[str, ...], _Way]] = set()

    def changes(self) -> Iterator[Change]:
        """Every operation, and the ways to authenticate."""
        paths = {_shape(path): item for path, item in self._new.get("paths", {}).items()}
        for path, item in self._old.get("paths", {}).items():
            after = paths.get(_shape(path))
            for method in _METHODS:
                if method not in item:
                    continue
                where = f"{method.upper()} {path}"
                if after is None or method not in after:
                    yield Change(where, "is gone")
                else:
                    for what in self._operation(item[method], after[method]):
                        yield Change(where, what)
        schemes = self._new.get("components", {}).get("securitySchemes", {})
        for name, scheme in self._old.get("components", {}).get("securitySchemes", {}).items():
            after = schemes.get(name)
            facts = ("type", "in", "name", "scheme", "openIdConnectUrl")
            if after is not None and any(scheme.get(fact) != after.get(fact) for fact in facts):
                yield Change(f"security scheme {name}", "is sent otherwise")

    def _operation(self, old: Tree, new: Tree) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"operationId is {new.get('operationId')}, was {old.get('operationId')}"
        yield from self._security(old, new)
        yield from self._parameters(old, new)
        yield from self._body(old, new)
        for status, response in old.get("responses", {}).items():
            after = new.get("responses", {}).get(status)
            if after is not None:
                yield from self._response(status, _at(response, self._old), _at(after, self._new))
            elif _is_success(status):
                yield f"response {status} is gone"

    def _security(self, old: Tree, new: Tree) -> Iterator[str]:
        before = old.get("security", self._old.get("security")) or [{}]
        after = new.get("security", self._new.get("security")) or [{}]
        for way in before:
            if not any(set(other) <= set(way) for other in after):
                yield f"{' and '.join(way) or 'no credential'} is not enough any more"

    def _parameters(self, old: Tree, new: Tree) -> Iterator[str]:
        before, after = _parameters_of(old, self._old), _parameters_of(new, self._new)
        for (location, name), parameter in before.items():
            other = after.get((location, name))
            label = f"{location} parameter {name}"
            if other is None:
                yield f"{label} is gone"
                continue
            if other.get("required") and not parameter.get("required"):
                yield f"{label} is required now"
            if parameter.get("allowEmptyValue") and not other.get("allowEmptyValue"):
                yield f"{label} may not be empty any more"
            if any(parameter.get(fact) != other.get(fact) for fact in ("style", "explode")):
                yield f"{label} is written otherwise"
            yield from self._schema(parameter.get("schema", {}), other.get("schema", {}), _Way.IN, label)
        for (location, name), parameter in after.items():
            if (location, name) not in before and parameter.get("required"):
                yield f"{location} parameter {name} is new and required"

    def _body(self, old: Tree, new: Tree) -> Iterator[str]:
        before, after = _at(old.get("requestBody", {}), self._old), _at(new.get("requestBody", {}), self._new)
        if after.get("required") and not before.get("required"):
            yield "the request body is required now"
        yield from self._content(before, after, _Way.IN, "request")

    def _response(self, status: str, old: Tree, new: Tree) -> Iterator[str]:
        label = f"response {status}"
        if _is_success(status):
            for name in old.get("headers", {}):
                if name not in new.get("headers", {}):
                    yield f"{label}: header {name} is gone"
        yield from self._content(old, new, _Way.OUT, label)

    def _content(self, old: Tree, new: Tree, way: _Way, label: str) -> Iterator[str]:
        after = new.get("content", {})
        for media, content in old.get("content", {}).items():
            if media not in after:
                yield f"{label}: {media} is gone"
            else:
                yield from self._schema(
                    content.get("schema", {}), after[media].get("schema", {}), way, f"{label} body"
                )

    def _schema(self, old: Tree, new: Tree, way: _Way, label: str) -> Iterator[str]:
        pair = (_names(old), _names(new), way)
        if pair in self._under_way:  # a schema that contains itself
            return
        if pair[0] and pair[1]:
            self._under_way.add(pair)
        try:
            yield from self._resolved(_whole(old, self._old), _whole(new, self._new), way, label)
        finally:
            self._under_way.discard(pair)

    def _resolved(self, old: Tree, new: Tree, way: _Way, label: str) -> Iterator[str]:
        before, after = _branches(old), _branches(new)
        if len(before) > 1 or len(after) > 1:
            yield from self._union(before, after, way, label)
            return
        yield from _types(old, new, way, label)
        yield from _values(old, new, way, label)
        yield from _limits(old, new, way, label)
        yield from self._members(old, new, way, label)
        if isinstance(old.get("items"), Mapping) and isinstance(new.get("items"), Mapping):
            yield from self._schema(old["items"], new["items"], way, f"{label}[]")

    def _union(self, old: list[Tree], new: list[Tree], way: _Way, label: str) -> Iterator[str]:
        """Each alternative that callers may send, or receive, has to match one on the other side."""
        for index, one in enumerate(old if way is _Way.IN else new):
            if any(self._fits(one, other, way) for other in (new if way is _Way.IN else old)):
                continue
            if len(old) == len(new):
                yield from self._schema(old[index], new[index], way, label)
            else:
                yield f"{label}: an alternative " + ("is not taken any more" if way is _Way.IN else "is new")

    def _fits(self, one: Tree, other: Tree, way: _Way) -> bool:
        """Whether inputs of `one` are still accepted as `other`, or outputs of `one` are valid as `other`."""
        old, new = (one, other) if way is _Way.IN else (other, one)
        return next(self._schema(old, new, way, ""), None) is None

    def _members(self, old: Tree, new: Tree, way: _Way, label: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, member in before.items():
            inner = f"{label}.{name}"
            if name not in after:
                yield f"{inner} is gone"
            else:
                yield from self._schema(member, after[name], way, inner)
        required, required_now = set(old.get("required", ())), set(new.get("required", ()))
        if way is _Way.IN:
            for name in sorted(required_now - required):
                yield f"{label}.{name} is " + ("required now" if name in before else "new and required")
            if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
                yield f"{label} takes no other members any more"
        else:
            for name in sorted((required - required_now) & set(after)):
                yield f"{label}.{name} may be missing now"
        if isinstance(old.get("additionalProperties"), Mapping) and isinstance(
            new.get("additionalProperties"), Mapping
        ):
            yield from self._schema(
                old["additionalProperties"], new["additionalProperties"], way, f"{label}.*"
            )


def _is_success(status: str) -> bool:
    return status.startswith(("1", "2", "3"))


def _at(tree: Tree, document: Tree) -> Tree:
    """The target of a reference within the document, or the tree itself. Raises KeyError for a missing one."""
    while "$ref" in tree:
        found: Any = document
        for step in tree["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        tree = found
    return tree


def _parameters_of(operation: Tree, document: Tree) -> dict[tuple[str, str], Tree]:
    found = (_at(parameter, document) for parameter in operation.get("parameters", ()))
    return {(parameter["in"], parameter["name"]): parameter for parameter in found}


def _names(schema: Tree) -> tuple[str, ...]:
    """The components that a schema refers to."""
    parts = (schema, *schema.get("allOf", ()))
    return tuple(part["$ref"] for part in parts if "$ref" in part)


def _whole(schema: Tree, document: Tree) -> Tree:
    """A schema with its reference and its `allOf` merged."""
    schema = _at(schema, document)
    if "allOf" not in schema:
        return schema
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        for key, value in _whole(part, document).items():
            if key == "properties":
                merged[key] = {**value, **merged.get(key, {})}
            elif key == "required":
                merged[key] = sorted({*value, *merged.get(key, ())})
            else:
                merged.setdefault(key, value)
    return merged


def _branches(schema: Tree) -> list[Tree]:
    branches: Iterable[Tree] = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return list(branches)


def _types_of(schema: Tree) -> frozenset[str]:
    declared = schema.get("type")
    if declared is None:
        return _ALL_TYPES
    types = {declared} if isinstance(declared, str) else set(declared)
    return frozenset(types | ({"integer"} if "number" in types else set()))


def _types(old: Tree, new: Tree, way: _Way, label: str) -> Iterator[str]:
    before, after = _types_of(old), _types_of(new)
    if way is _Way.IN and (lost := before - after):
        yield f"{label} does not take {', '.join(sorted(lost))} any more"
    if way is _Way.OUT and (gained := after - before):
        yield f"{label} may be {'of any type' if after == _ALL_TYPES else ', '.join(sorted(gained))} now"


def _values_of(schema: Tree) -> set[str] | None:
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(value) for value in schema["enum"] if value is not None} if "enum" in schema else None


def _values(old: Tree, new: Tree, way: _Way, label: str) -> Iterator[str]:
    before, after = _values_of(old), _values_of(new)
    if way is _Way.IN and after is not None:
        if before is None:
            yield f"{label} takes only certain values now"
        elif lost := before - after:
            yield f"{label} does not take {', '.join(sorted(lost))} any more"
    if way is _Way.OUT and before is not None:
        if after is None:
            yield f"{label} may have any value now"
        elif gained := after - before:
            yield f"{label} may be {', '.join(sorted(gained))} now"


def _limits(old: Tree, new: Tree, way: _Way, label: str) -> Iterator[str]:
    before, after = old.get("format"), new.get("format")
    if way is _Way.OUT:
        if before is not None and after != before:
            yield f"{label} is no {before} any more"
        return
    if after is not None and after != before:
        yield f"{label} has to be a {after} now"
    if new.get("pattern") is not None and new["pattern"] != old.get("pattern"):
        yield f"{label} has to match {new['pattern']} now"
    for name in (*_LOWER_BOUNDS, *_UPPER_BOUNDS):
        limit, was = new.get(name), old.get(name)
        if limit is None:
            continue
        if was is None or (limit > was if name in _LOWER_BOUNDS else limit < was):
            yield f"{label}: {name} is {limit} now"
