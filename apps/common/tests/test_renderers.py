"""JSON forms of values."""

import datetime as dt
import uuid
from collections import OrderedDict
from decimal import Decimal
from types import MappingProxyType

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ErrorDetail

from apps.common.http.renderers import JSONRenderer, dumps

ID = uuid.UUID("019a9a4e-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None, "b": [1, 2.5, True]}, b'{"a":null,"b":[1,2.5,true]}'),
        ({1: ID}, b'{"1":"019a9a4e-0000-7000-8000-000000000001"}'),
        (Decimal("1.10"), b'"1.10"'),
        (gettext_lazy("word"), b'"word"'),
        (ErrorDetail("wrong", code="x"), b'"wrong"'),
        (OrderedDict(a=1), b'{"a":1}'),
        (MappingProxyType({"a": 1}), b'{"a":1}'),
        ((x for x in (1, 2)), b"[1,2]"),
        ({"only"}, b'["only"]'),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), b'"2026-01-02T03:04:05Z"'),
        (dt.date(2026, 1, 2), b'"2026-01-02"'),
        ("ж", '"ж"'.encode()),
    ],
)
def test_values_have_a_json_form(value, text):
    assert dumps(value) == text


def test_values_without_a_json_form_are_refused():
    with pytest.raises(TypeError):
        dumps({"a": object()})


def test_none_is_an_empty_body():
    assert JSONRenderer().render(None) == b""
    assert JSONRenderer().render({}) == b"{}"
