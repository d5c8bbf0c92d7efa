"""Inputs read what they declare. Their fields' own tests are in the slices that use them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rest_framework import serializers

from apps.api.zones import mounting
from apps.common.http import fields as inputs
from apps.users.models import User

# What only the server may set, whoever asks; and who may ask for what looks like it.
RESERVED = {
    "id", "pk", "user_id", "is_staff", "is_superuser", "groups", "user_permissions", "created_at", "updated_at",
    "email_verified_at", "signed_out_at", "is_verified", "sender", "is_deleted",
}  # fmt: skip


def all_inputs(kind: type[inputs.Input] = inputs.Input) -> Iterator[type[inputs.Input]]:
    """Every Input of the installed slices, tests' apart."""
    mounting.mounted()
    for found in kind.__subclasses__():
        yield from all_inputs(found)
        if ".tests." not in found.__module__:
            yield found


def test_there_are_inputs_in_several_slices() -> None:
    assert {found.__module__.split(".")[1] for found in all_inputs()} >= {"users"}


@pytest.mark.parametrize("found", list(all_inputs()), ids=lambda found: found.__name__)
def test_nothing_undeclared_comes_through(found: type[inputs.Input]) -> None:
    columns = {column.name for column in User._meta.get_fields()} | RESERVED
    undeclared = dict.fromkeys(columns - set(found().fields), "x")
    reading = found(data=undeclared, partial=True)
    if reading.is_valid():
        assert set(reading.validated_data) <= set(reading.fields)
        assert not set(reading.validated_data) & set(undeclared)
    assert not set(found().fields) & RESERVED


def test_fields_of_a_model_are_no_input() -> None:
    with pytest.raises(TypeError, match="declare each field"):

        class Everything(inputs.Input, serializers.ModelSerializer[User]):
            """What mass assignment is made of."""

            class Meta:
                model = User
                fields = "__all__"
