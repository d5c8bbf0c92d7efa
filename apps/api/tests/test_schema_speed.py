"""What is kept changes nothing about what is made."""

from __future__ import annotations

import json
from enum import StrEnum

from django.utils.translation import gettext_lazy
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import EndpointEnumerator
from drf_spectacular.settings import spectacular_settings
from rest_framework import serializers

from apps.api import schema_speed
from apps.api.openapi import schema
from apps.api.tests.conftest import ALL, WIDGETS
from apps.api.zones.mounting import mount, mounted
from apps.api.zones.table import ZoneTable


def test_documents_are_the_same_without_it(monkeypatch) -> None:
    documents = (*mount(ZoneTable(ALL), (WIDGETS,)).documents, *mounted().documents)
    fast = [json.dumps(document.data()) for document in documents]
    for owner, name, original in schema_speed.ORIGINALS:
        monkeypatch.setattr(owner, name, original)
    monkeypatch.setattr(schema_speed, "mock_request", spectacular_settings.GET_MOCK_REQUEST)
    for name in ("_is_list_view", "map_renderers"):
        monkeypatch.delattr(schema.ZoneAutoSchema, name)
    monkeypatch.setattr(schema.ZoneSchemaGenerator, "endpoint_inspector_cls", EndpointEnumerator)
    assert [json.dumps(document.data()) for document in documents] == fast


class Marked(serializers.CharField):
    """A field that gets an extension later."""


def test_an_extension_that_comes_later_is_found(monkeypatch) -> None:
    monkeypatch.setattr(
        OpenApiSerializerFieldExtension, "_registry", [*OpenApiSerializerFieldExtension._registry]
    )
    assert OpenApiSerializerFieldExtension.get_match(Marked()) is None

    class Late(OpenApiSerializerFieldExtension):
        target_class = Marked

        def map_serializer_field(self, auto_schema, direction):
            return {}

    assert isinstance(OpenApiSerializerFieldExtension.get_match(Marked()), Late)
    assert OpenApiSerializerFieldExtension.get_match(serializers.CharField()) is None


class Colour(StrEnum):
    """A member of it is a text."""

    RED = "red"


def test_lazy_texts_and_members_become_plain() -> None:
    made = schema_speed._normalized(
        {"a": gettext_lazy("Enter true or false."), "b": (Colour.RED, 1.5, None, True), 200: {}}
    )
    assert made == {"a": "Enter true or false.", "b": ["red", 1.5, None, True], "200": {}}
    assert {type(made["a"]), type(made["b"][0])} == {str}


def test_the_marks_of_choices_are_gone_wherever_they_stand() -> None:
    mark = {"x-spec-enum-id": "0123abc"}
    made = schema_speed._normalized(
        [mark, {**mark, "a": 1}, {"a": 1, **mark}, {"a": '"x-spec-enum-id":"b"', **mark, "c": [mark]}]
    )
    assert made == [{}, {"a": 1}, {"a": 1}, {"a": '"x-spec-enum-id":"b"', "c": [{}]}]
