"""A value of another JSON type is refused, not converted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.http import QueryDict
from rest_framework import serializers

from apps.common import inputs


class Strict(serializers.Serializer[Any]):
    """One of each."""

    flag = inputs.BooleanField(required=False)
    id = inputs.UUIDField(required=False)
    text = inputs.TextField(required=False)


TEXT = "01a211b7-7572-77ad-9044-ed1873e2ee23"


@pytest.mark.parametrize(
    "data",
    [
        {"flag": 1},
        {"flag": "true"},
        {"flag": "yes"},
        {"flag": []},
        {"id": 5},
        {"id": False},
        {"id": "x"},
        {"id": [TEXT]},
        {"text": 5},
        {"text": True},
        {"text": []},
        QueryDict("flag=1"),
        QueryDict("flag=True"),
    ],
)
def test_what_is_refused(data) -> None:
    strict = Strict(data=data)
    assert not strict.is_valid()
    assert [error.code for error in strict.errors[next(iter(data))]] == ["invalid"]


def test_what_is_taken() -> None:
    strict = Strict(data={"flag": False, "id": TEXT, "text": " a "})
    assert strict.is_valid()
    assert strict.validated_data == {"flag": False, "id": UUID(TEXT), "text": "a"}
    for word, value in {"true": True, "false": False}.items():
        asked = Strict(data=QueryDict(f"flag={word}"))
        assert asked.is_valid()
        assert asked.validated_data["flag"] is value
