"""Inputs read only declared fields. The slices test single fields."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rest_framework import serializers

from apps.api.zones import mounting
from apps.common.http import fields as inputs
from apps.users.models import User

# Values that only the server sets, and the inputs that have a field of the same name.
RESERVED = {
    "id", "pk", "user_id", "is_staff", "is_superuser", "groups", "user_permissions", "created_at", "updated_at",
    "email_verified_at", "signed_out_at", "is_verified", "sender", "is_deleted",
}  # fmt: skip


def all_inputs(kind: type[inputs.Input] = inputs.Input) -> Iterator[type[inputs.Input]]:
    """Every Input of the installed slices, without those of tests."""
    mounting.mounted()
    for found in kind.__subclasses__():
        yield from all_inputs(found)
        if ".tests." not in found.__module__:
            yield found


def test_there_are_inputs_in_several_slices() -> None:
    assert {found.__module__.split(".")[1] for found in all_inputs()} >= {"users"}


@pytest.mark.parametrize("found", list(all_inputs()), ids=lambda found: found.__name__)
def test_inputs_read_only_declared_fields(found: type[inputs.Input]) -> None:
    columns = {column.name for column in User._meta.get_fields()} | RESERVED
    undeclared = dict.fromkeys(columns - set(found().fields), "x")
    reading = found(data=undeclared, partial=True)
    if reading.is_valid():
        assert set(reading.validated_data) <= set(reading.fields)
        assert not set(reading.validated_data) & set(undeclared)
    assert not set(found().fields) & RESERVED


def test_an_input_cannot_take_fields_from_a_model() -> None:
    with pytest.raises(TypeError, match="declare each field"):

        class Everything(inputs.Input, serializers.ModelSerializer[User]):
            """Allows mass assignment."""

            class Meta:
                model = User
                fields = "__all__"


class Line(inputs.Input):
    sku = inputs.TextField()
    count = serializers.IntegerField(default=1)
    notes = serializers.ListField(default=list)


class Order(inputs.Input):
    name = inputs.TextField()
    lines = Line(many=True)


def test_nested_objects_are_whole_in_a_partial_change() -> None:
    change = Order(data={"lines": [{"sku": "a"}, {"sku": "b", "count": 2}]}, partial=True)
    assert change.is_valid()
    assert change.validated_data == {
        "lines": [{"sku": "a", "count": 1, "notes": []}, {"sku": "b", "count": 2, "notes": []}]
    }
    change = Order(data={"lines": [{"sku": "a"}, {"count": 2, "size": 1}]}, partial=True)
    assert not change.is_valid()
    (errors,) = change.errors["lines"].values()
    codes = {name: [error.code for error in found] for name, found in errors.items()}
    assert codes == {"sku": ["required"], "size": ["unknown"]}
