"""Each kind of breaking change is reported once; harmless changes are not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from apps.api.openapi.breaking_changes import breaking_changes
from apps.api.zones.mounting import mounted

PATH = "/widgets/{id}/"
SCHEMAS: dict[str, Any] = {
    "Colour": {"type": "string", "enum": ["red", "blue"]},
    "WidgetRequest": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 80},
            "weight": {"type": ["number", "null"], "minimum": 0, "maximum": 9},
            "colour": {"$ref": "#/components/schemas/Colour"},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
            "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "more": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "Widget": {
        "type": "object",
        "required": ["id", "name", "weight"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "name": {"type": "string", "maxLength": 80},
            "weight": {"type": "number"},
            "colour": {"oneOf": [{"$ref": "#/components/schemas/Colour"}, {"type": "null"}]},
            "whole": {
                "allOf": [{"$ref": "#/components/schemas/Widget"}],
                "description": "What it was cut from.",
            },
            "any": {},
            "tags": {"type": "array", "items": {"type": "string"}},
            "more": {"type": "object", "additionalProperties": {"type": "integer"}},
            "kind": {"const": "widget"},
        },
    },
}
OLD: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        PATH: {
            "get": {
                "operationId": "widget_read",
                "security": [{}, {"key": []}],
                "parameters": [
                    {"$ref": "#/components/parameters/Id"},
                    {"in": "query", "name": "since", "schema": {"type": "string"}, "allowEmptyValue": True},
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 100}},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Widget"}}},
                    },
                    "404": {"$ref": "#/components/responses/Lost"},
                },
            },
            "put": {
                "operationId": "widget_write",
                "security": [{"key": []}],
                "parameters": [{"$ref": "#/components/parameters/Id"}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/WidgetRequest"}}
                    }
                },
                "responses": {
                    "204": {"description": "Done."},
                    "409": {"$ref": "#/components/responses/Lost"},
                },
            },
        }
    },
    "components": {
        "schemas": SCHEMAS,
        "parameters": {"Id": {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}}},
        "responses": {
            "Lost": {
                "content": {
                    "application/problem+json": {
                        "schema": {"type": "object", "properties": {"code": {"type": "string"}}}
                    }
                }
            }
        },
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
}
GET, PUT = f"GET {PATH}", f"PUT {PATH}"


def at(document: Any, steps: str) -> Any:
    """`get.parameters.1` within the one path, `Widget.properties.name` within the schemas, `/…` from the root."""
    first, *rest = steps.split("/")[1:] if steps.startswith("/") else steps.split(".")
    if steps.startswith("/"):
        found = document[first]
    else:
        found = (document["components"]["schemas"] if first in SCHEMAS else document["paths"][PATH])[first]
    for step in rest:
        found = found[int(step) if isinstance(found, list) else step]
    return found


def put(steps: str, **values: Any) -> Callable[[Any], None]:
    return lambda document: at(document, steps).update(values)


def drop(steps: str, name: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        found = at(document, steps)
        if isinstance(found, list) and not isinstance(name, int):
            found.remove(name)
        else:
            del found[name]

    return change


def add(steps: str, value: Any) -> Callable[[Any], None]:
    return lambda document: at(document, steps).append(value)


def renamed(document: Any) -> None:
    document["paths"]["/widgets/{widget}/"] = document["paths"].pop(PATH)


BREAKS: list[tuple[Callable[[Any], None], list[str]]] = [
    (drop("/paths", PATH), [f"{GET}: is gone", f"{PUT}: is gone"]),
    (lambda document: document["paths"][PATH].pop("put"), [f"{PUT}: is gone"]),
    (put("get", operationId="read"), [f"{GET}: operationId is read, was widget_read"]),
    (put("get", security=[{"key": []}]), [f"{GET}: no credential is not enough any more"]),
    (put("put", security=[{"key": [], "bearer": []}]), [f"{PUT}: key is not enough any more"]),
    (put("/components/securitySchemes/key", name="X-Other"), ["security scheme key: is sent otherwise"]),
    (drop("get.parameters", 2), [f"{GET}: query parameter limit is gone"]),
    (put("get.parameters.1", required=True), [f"{GET}: query parameter since is required now"]),
    (
        put("get.parameters.1", allowEmptyValue=False),
        [f"{GET}: query parameter since may not be empty any more"],
    ),
    (
        put("get.parameters.1", style="form", explode=False),
        [f"{GET}: query parameter since is written otherwise"],
    ),
    (
        add("get.parameters", {"in": "query", "name": "team", "required": True, "schema": {}}),
        [f"{GET}: query parameter team is new and required"],
    ),
    (put("get.parameters.2.schema", maximum=50), [f"{GET}: query parameter limit: maximum is 50 now"]),
    (
        put("/components/parameters/Id", schema={"type": "integer"}),
        [
            f"{GET}: path parameter id does not take string any more",
            f"{PUT}: path parameter id does not take string any more",
        ],
    ),
    (put("put.requestBody", required=True), [f"{PUT}: the request body is required now"]),
    (put("put.requestBody", content={"text/csv": {}}), [f"{PUT}: request: application/json is gone"]),
    (add("WidgetRequest.required", "weight"), [f"{PUT}: request body.weight is required now"]),
    (add("WidgetRequest.required", "owner"), [f"{PUT}: request body.owner is new and required"]),
    (drop("WidgetRequest.properties", "weight"), [f"{PUT}: request body.weight is gone"]),
    (put("WidgetRequest.properties.name", maxLength=8), [f"{PUT}: request body.name: maxLength is 8 now"]),
    (put("WidgetRequest.properties.name", minLength=2), [f"{PUT}: request body.name: minLength is 2 now"]),
    (put("WidgetRequest.properties.name", pattern="^a"), [f"{PUT}: request body.name has to match ^a now"]),
    (put("WidgetRequest.properties.name", format="uri"), [f"{PUT}: request body.name has to be a uri now"]),
    (
        put("WidgetRequest.properties.name", enum=["a"]),
        [f"{PUT}: request body.name takes only certain values now"],
    ),
    (
        put("WidgetRequest.properties.weight", type="number"),
        [f"{PUT}: request body.weight does not take null any more"],
    ),
    (put("WidgetRequest.properties.weight", minimum=1), [f"{PUT}: request body.weight: minimum is 1 now"]),
    (
        put("WidgetRequest.properties.weight", type=["integer", "null"]),
        [f"{PUT}: request body.weight does not take number any more"],
    ),
    (drop("Colour.enum", "red"), [f"{PUT}: request body.colour does not take 'red' any more"]),
    (put("WidgetRequest.properties.tags", maxItems=1), [f"{PUT}: request body.tags: maxItems is 1 now"]),
    (
        put("WidgetRequest.properties.tags.items", type="integer"),
        [f"{PUT}: request body.tags[] does not take string any more"],
    ),
    (
        drop("WidgetRequest.properties.either.oneOf", 1),
        [f"{PUT}: request body.either: an alternative is not taken any more"],
    ),
    (
        put("WidgetRequest.properties.either.oneOf.1", minimum=4),
        [f"{PUT}: request body.either: minimum is 4 now"],
    ),
    (
        put("WidgetRequest.properties.more.additionalProperties", maxLength=4),
        [f"{PUT}: request body.more.*: maxLength is 4 now"],
    ),
    (
        put("WidgetRequest", additionalProperties=False),
        [f"{PUT}: request body takes no other members any more"],
    ),
    (drop("put.responses", "204"), [f"{PUT}: response 204 is gone"]),
    (drop("get.responses.200.headers", "ETag"), [f"{GET}: response 200: header ETag is gone"]),
    (put("get.responses.200", content={"text/csv": {}}), [f"{GET}: response 200: application/json is gone"]),
    (drop("Widget.properties", "colour"), [f"{GET}: response 200 body.colour is gone"]),
    (drop("Widget.required", "weight"), [f"{GET}: response 200 body.weight may be missing now"]),
    (put("Widget.properties.weight", type="string"), [f"{GET}: response 200 body.weight may be string now"]),
    (
        put("Widget.properties.weight", type=["number", "null"]),
        [f"{GET}: response 200 body.weight may be null now"],
    ),
    (drop("Widget.properties.weight", "type"), [f"{GET}: response 200 body.weight may be of any type now"]),
    (put("Widget.properties.id", format="uri"), [f"{GET}: response 200 body.id is no uuid any more"]),
    (add("Colour.enum", "green"), [f"{GET}: response 200 body.colour may be 'green' now"]),
    (drop("Colour", "enum"), [f"{GET}: response 200 body.colour may have any value now"]),
    (put("Widget.properties.kind", const="rock"), [f"{GET}: response 200 body.kind may be 'rock' now"]),
    (
        add("Widget.properties.colour.oneOf", {"type": "integer"}),
        [f"{GET}: response 200 body.colour: an alternative is new"],
    ),
    (
        put("Widget.properties.tags.items", type="integer"),
        [f"{GET}: response 200 body.tags[] may be integer now"],
    ),
    (
        put("Widget.properties.more.additionalProperties", type="string"),
        [f"{GET}: response 200 body.more.* may be string now"],
    ),
    (
        put("/components/responses/Lost", content={"text/plain": {}}),
        [
            f"{GET}: response 404: application/problem+json is gone",
            f"{PUT}: response 409: application/problem+json is gone",
        ],
    ),
]

FINE: list[Callable[[Any], None]] = [
    lambda document: None,
    lambda document: document["paths"].update({"/new/": document["paths"][PATH]}),
    put("get", description="Other words.", deprecated=True, tags=["widgets"]),
    put("get", security=[{}, {"key": []}, {"bearer": []}]),
    add("get.parameters", {"in": "query", "name": "team", "schema": {}}),
    put("get.parameters.2.schema", maximum=1000),
    put("WidgetRequest.properties", more_still={"type": "string"}),
    put("WidgetRequest.properties.name", minLength=0, maxLength=800),
    put("WidgetRequest.properties.name", type=["string", "null"]),
    drop("WidgetRequest.required", "name"),
    add("WidgetRequest.properties.either.oneOf", {"type": "boolean"}),
    put("WidgetRequest.properties.tags", type=["array", "string"]),
    put("Widget.properties", age={"type": "integer"}),
    put("Widget.properties.weight", type="integer"),
    put("Widget.properties.name", maxLength=8000),
    add("Widget.required", "colour"),
    put("Widget.properties.any", type="string"),
    drop("Widget.properties.colour.oneOf", 1),
    drop("get.responses", "404"),
    put("get.responses", **{"202": {"description": "Later."}}),
]


@pytest.mark.parametrize(("change", "found"), BREAKS)
def test_breaking_changes_are_reported(change: Callable[[Any], None], found: list[str]) -> None:
    new = copy.deepcopy(OLD)
    change(new)
    assert [str(one) for one in breaking_changes(OLD, new)] == found


@pytest.mark.parametrize("change", FINE)
def test_harmless_changes_are_not_reported(change: Callable[[Any], None]) -> None:
    new = copy.deepcopy(OLD)
    change(new)
    assert breaking_changes(OLD, new) == []


def test_renamed_path_parameters_break_clients() -> None:
    new = copy.deepcopy(OLD)
    renamed(new)
    new["components"]["parameters"]["Id"]["name"] = "widget"
    assert [str(one) for one in breaking_changes(OLD, new)] == [
        f"{where}: path parameter {what}"
        for where in (GET, PUT)
        for what in ("id is gone", "widget is new and required")
    ]


def test_references_through_other_references_are_followed() -> None:
    new = copy.deepcopy(OLD)
    new["components"]["schemas"]["Alias"] = {"$ref": "#/components/schemas/Widget"}
    media = new["paths"][PATH]["get"]["responses"]["200"]["content"]["application/json"]
    media["schema"] = {"$ref": "#/components/schemas/Alias"}
    assert breaking_changes(OLD, new) == []
    del new["components"]["schemas"]["Widget"]["properties"]["name"]
    assert [change.what for change in breaking_changes(OLD, new)] == [
        "response 200 body.name is gone",
        "response 200 body.whole.name is gone",
    ]


def test_no_zone_of_the_project_differs_from_itself() -> None:
    for document in mounted().documents:
        data = json.loads(json.dumps(document.data()))
        assert breaking_changes(data, data) == []
