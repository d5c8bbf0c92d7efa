"""Additions of the generator to its base: each addition where it belongs, and every zone of the project as valid OpenAPI."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.utils import extend_schema
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.openapi import error_codes
from apps.api.tests.conftest import ALL, CLOSED, WIDGETS, but
from apps.api.tests.test_validation import alone, made
from apps.api.zones.mounting import mount, mounted
from apps.api.zones.table import Version, ZoneTable
from apps.common.exceptions import NotFound
from apps.common.http import fields
from apps.common.models import DeadTask

PROBLEM = "application/problem+json"


def parts_of(view: type[APIView]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The path item and the components of a zone with this one view."""
    slice_ = made(closed=[path("x/", view.as_view(), name="x")])
    data = mount(ZoneTable((alone(),)), (slice_,)).documents[0].data()
    return data["paths"]["/api/closed/v1/x/"], data["components"]


@pytest.mark.parametrize("zone", ["public", "private", "internal", "admin"])
def test_every_zone_of_the_project_is_valid_openapi(zone: str) -> None:
    for document in (document for document in mounted().documents if document.zone.name == zone):
        data = json.loads(json.dumps(document.data()))
        validate_schema(data)
        for item in data["paths"].values():
            for operation in item.values():
                assert {"429", "503", "406", "default"} < set(operation["responses"])
                assert operation["summary"]


class Edited(fields.Input):
    """The body of a PATCH."""

    name = serializers.CharField()


class Word(serializers.CharField):
    """A field with its own rule."""

    schema_extra = {"format": "word"}


class Sent(fields.Input):
    """An upload with a word."""

    file = serializers.FileField()
    maybe = serializers.FileField(allow_empty_file=True)
    text = serializers.CharField()
    blank = serializers.CharField(allow_blank=True)
    exact = serializers.CharField(trim_whitespace=False)
    code = serializers.RegexField("^[a-z]+$")
    anything = serializers.JSONField(allow_null=True)
    word = Word()


class Patching(APIView):
    """Fields of a PATCH are required as in its serializer."""

    @extend_schema(request=Edited, responses={204: None})
    def patch(self, request: Any) -> Response:
        """204."""
        return Response(status=204)

    @extend_schema(request={"multipart/form-data": Sent}, responses=Sent)
    def put(self, request: Any) -> Response:
        """200."""
        return Response({})


class PatchingPartly(APIView):
    """Fields of a PATCH are optional where the serializer is partial."""

    @extend_schema(request=Edited(partial=True), responses={204: None})
    def patch(self, request: Any) -> Response:
        """204."""
        return Response(status=204)


def test_a_patch_may_omit_optional_fields() -> None:
    for view, name, required in (
        (PatchingPartly, "PatchedEditedRequest", []),
        (Patching, "EditedRequest", ["name"]),
    ):
        item, components = parts_of(view)
        body = item["patch"]["requestBody"]
        assert body["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{name}"}
        assert components["schemas"][name].get("required", []) == required
        assert body.get("required", False) is bool(required)


def test_rules_of_fields_are_in_the_schema_of_inputs() -> None:
    schemas = parts_of(Patching)[1]["schemas"]
    sent, shown = schemas["SentRequest"]["properties"], schemas["Sent"]["properties"]
    assert sent["word"] == {"type": "string", "minLength": 1, "format": "word"}
    assert sent["file"] == {"type": "string", "format": "binary", "minLength": 1}
    assert sent["text"] == {"type": "string", "minLength": 1, "pattern": r"\S"}
    assert sent["blank"] == {"type": "string"}
    assert sent["exact"] == {"type": "string", "minLength": 1}
    assert sent["code"] == {"type": "string", "minLength": 1, "pattern": "^[a-z]+$"}
    assert sent["anything"] == {}
    assert sent["maybe"] == {"type": "string", "format": "binary"}
    assert (shown["word"], shown["file"]) == ({"type": "string"}, {"type": "string", "format": "uri"})


class Rows(serializers.Serializer[Any]):
    """A row of a list."""

    name = serializers.CharField()


class Listing(GenericAPIView[DeadTask]):
    """A list by the project's pages."""

    queryset = DeadTask.objects.order_by("id")
    serializer_class = Rows
    filterset_fields = ("name",)

    @extend_schema(responses=Rows(many=True))
    def get(self, request: Any) -> Response:
        """200."""
        return Response([])


def test_lists_document_cursor_errors_and_empty_filters() -> None:
    item, components = parts_of(Listing)
    parameters = {parameter["name"]: parameter for parameter in item["get"]["parameters"]}
    assert sorted(parameters) == ["cursor", "limit", "name", "page_size"]
    assert parameters["name"]["allowEmptyValue"] is True
    assert parameters["cursor"]["schema"]["minLength"] == 1
    assert (parameters["limit"]["schema"]["minimum"], parameters["limit"]["schema"]["default"]) == (1, 20)
    assert list(item["get"]["responses"]["400"]["content"][PROBLEM]["examples"]) == [
        "invalid_cursor",
        "invalid_input",
    ]
    assert components["examples"]["invalid_cursor"]["value"]["status"] == 400


def test_a_deprecated_version_documents_its_headers() -> None:
    old = Version(name="v1", deprecated=date(2026, 1, 1), sunset=date(2027, 1, 1))
    zone = but(CLOSED, versions=(old, Version(name="v2")))
    table = mount(ZoneTable((zone, *(other for other in ALL if other.name != "closed"))), (WIDGETS,))
    first, second = (table.document("closed", name).data() for name in ("v1", "v2"))
    headers = {"Deprecation", "Sunset", "Link"}
    one, two = (
        data["paths"][f"/api/closed/{name}/widget/"]["get"] for data, name in ((first, "v1"), (second, "v2"))
    )
    assert headers < set(one["responses"]["200"]["headers"])
    assert headers < set(first["components"]["headers"])
    assert one["deprecated"] is True
    assert not headers & set(two["responses"]["200"]["headers"])
    assert not headers & set(second["components"]["headers"])
    assert "deprecated" not in two


class Lost(NotFound):
    """A 404 of one view."""

    code = "not_found"


def test_responses_with_different_texts_for_one_code_stay_separate() -> None:
    from apps.api.openapi import responses
    from apps.api.openapi.responses import Facts

    facts = Facts(
        declared={},
        raised=(Lost,),
        has_body=False,
        has_parameters=False,
        has_path_parameters=True,
        is_unsafe=False,
    )
    document: dict[str, Any] = {}
    operations: list[Any] = []
    for words in ("", "", "Lost permanently.", "Lost permanently."):
        worded = replace(facts, declared={404: words} if words else {})
        operations.append(({"responses": {}}, responses.problems_of(CLOSED, worded)))
    responses.add_problems(document, operations)
    ways = [operation["responses"]["404"] for operation, _ in operations]
    assert ways[0] == ways[1] == {"$ref": "#/components/responses/NotFound"}
    assert ways[2] == ways[3]
    assert ways[2]["description"].startswith("Lost permanently.")
    assert error_codes.lookup("not_found").status == 404


def test_every_body_and_path_of_the_project_has_an_example_that_is_valid() -> None:
    for document in mounted().documents:
        data = json.loads(json.dumps(document.data()))
        for path_, item in data["paths"].items():
            for method, operation in item.items():
                where = (path_, method)
                for parameter in operation.get("parameters", ()):
                    if parameter.get("in") == "path":
                        check_example(parameter["example"], parameter["schema"], data, where)
                answers = [body for status, body in operation["responses"].items() if status.startswith("2")]
                for body in [operation.get("requestBody", {}), *answers]:
                    if (media := body.get("content", {}).get("application/json")) is not None:
                        check_example(media["example"], media["schema"], data, where)


def check_example(value: Any, schema: dict[str, Any], document: dict[str, Any], where: Any) -> None:
    """Raises AssertionError with the fault."""
    whole = {**schema, "components": document["components"]}
    faults = [
        error.message
        for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)
    ]
    assert faults == [], (where, value)
