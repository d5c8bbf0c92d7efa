"""Examples of JSON bodies and path parameters, composed from example values that the slices declare for their fields.

A slice's `examples.py` has `FIELDS`: values by the name of a field (`email`), by serializer and field where the name is
ambiguous (`RoomInput.name`), of a path (`path.code`), or of a whole serializer (`MuteInput`) where fields exclude each
other. Other values follow from the type: the first value of an enumeration, a fixed time, a fixed id. A text with a pattern
has no example unless one is declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from apps.common.slices import Slice

_JSON: Final = "application/json"
_MISSING: Final = object()
_BY_FORMAT: Final[dict[str, Any]] = {
    "uuid": "01a211b7-7572-77ad-9044-ed1873e2ee23",
    "date-time": "2026-11-25T10:00:00Z",
    "date": "2026-11-25",
    "email": "ada@example.com",
    "uri": "https://api.example.com/",
    "binary": _MISSING,
}
_CURSOR: Final = "https://api.example.com/?cursor=WyJuIl0"
_BY_NAME: Final[dict[str, Any]] = {"next": _CURSOR, "previous": None}


@cache
def fields_of(label: str) -> Mapping[str, Any]:
    """`FIELDS` of a slice; empty without an `examples.py`."""
    module = Slice(label, f"apps.{label}").module("examples") if label else None
    return getattr(module, "FIELDS", {})


class Examples:
    """The examples of one document. `origins` maps components to slices."""

    def __init__(self, document: dict[str, Any], origins: Mapping[str, str]) -> None:
        self._document = document
        self._schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
        self._origins = origins
        self._made: dict[str, Any] = {}

    def add(self) -> None:
        """Add them to the document; examples of a view itself are kept."""
        for item in self._document["paths"].values():
            for operation in item.values():
                for parameter in operation.get("parameters", ()):
                    if parameter.get("in") == "path" and "example" not in parameter:
                        self._put(parameter, self._of_parameter(parameter))
                bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
                for body in bodies:
                    media = body.get("content", {}).get(_JSON)
                    if media is not None and "example" not in media and "examples" not in media:
                        self._put(media, self._value(media["schema"]))

    def _put(self, target: dict[str, Any], value: Any) -> None:
        if value is not _MISSING:
            target["example"] = value

    def _of_parameter(self, parameter: dict[str, Any]) -> Any:
        name = parameter["name"]
        for label in dict.fromkeys(self._origins.values()):
            for key in (f"path.{name}", name):
                if key in fields_of(label):
                    return fields_of(label)[key]
        return self._value(parameter["schema"])

    def _component(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _MISSING  # ends the recursion of a schema that contains itself
            label = self._origins.get(name, "")
            stem = name.removeprefix("Patched").removesuffix("Request")
            known = fields_of(label)
            self._made[name] = known[stem] if stem in known else self._value(self._schemas[name], stem, label)
        return self._made[name]

    def _value(self, schema: Mapping[str, Any], stem: str = "", label: str = "") -> Any:
        if "$ref" in schema:
            return self._component(schema["$ref"].rpartition("/")[2])
        for key in ("example", "const", "default"):
            if key in schema:
                return schema[key]
        if "enum" in schema:
            return schema["enum"][0]
        for key in ("oneOf", "anyOf", "allOf"):
            for branch in schema.get(key, ()):
                value = self._value(branch, stem, label)
                if value is not _MISSING:
                    return value
        types = schema.get("type", ())
        for kind in [types] if isinstance(types, str) else types:
            if kind != "null":
                return self._of_type(kind, schema, stem, label)
        return _MISSING

    def _of_type(self, kind: str, schema: Mapping[str, Any], stem: str, label: str) -> Any:
        match kind:
            case "object":
                return self._object(schema, stem, label)
            case "array":
                item = self._value(schema.get("items", {}), stem, label)
                return [] if item is _MISSING else [item]
            case "string" if "format" in schema and schema["format"] in _BY_FORMAT:
                return _BY_FORMAT[schema["format"]]
            case "string" if "pattern" in schema and schema["pattern"] != r"\S":
                return _MISSING
            case "string":
                return "text"
            case "boolean":
                return False
            case _:
                return max(1, schema.get("minimum", 1))

    def _object(self, schema: Mapping[str, Any], stem: str, label: str) -> Any:
        known, found = fields_of(label), {}
        for name, member in schema.get("properties", {}).items():
            value = known.get(f"{stem}.{name}", known.get(name, _BY_NAME.get(name, _MISSING)))
            if value is _MISSING:
                value = self._value(member, stem, label)
            if value is not _MISSING:
                found[name] = value
            elif name in schema.get("required", ()):
                return _MISSING
        return found
