"""The types of fields: what each one is in a model, in requests and answers, in filters, in tests and in the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter of lists: its class and lookup, a value that finds the sample, and one that does not."""

    suffix: str = ""
    of: str
    lookup: str = ""
    finds: str
    misses: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type of fields. `{title}` in samples is the title of the field.

    Attributes:
        annotation: Its type in Python.
        model: Class and arguments of the model's field.
        input: Class and arguments of the field in requests.
        output: Class and arguments of the field in answers.
        sample: A value as Python code, and the same in JSON.
        other: Another value, likewise.
        invalid: JSON values that are refused, as Python code.
        is_text: An optional one is empty, not null.
        has_default: A new object need not have it.
        bad_filter: A value that its filters refuse.
        control: Properties of its control in the console; None for a type without one.
        value: The value of its control, as JavaScript; `{get}` is replaced by the value of the form.
        mail: How a mail shows it, after its name; None for a type that mails do not show.
    """

    name: str
    annotation: str
    model: str
    input: str
    output: str
    sample: tuple[str, str]
    other: tuple[str, str]
    invalid: tuple[str, ...]
    is_text: bool = False
    has_default: bool = False
    is_searched: bool = False
    is_ordered: bool = False
    filters: tuple[Filter, ...] = ()
    bad_filter: str = ""
    control: str | None = None
    value: str = "{get}"
    mail: str | None = ""


def _range(of: str, suffixes: tuple[str, str], values: tuple[str, str, str]) -> tuple[Filter, Filter]:
    """Filters for the sample, the middle one of three values, whose upper bound is excluded for times."""
    low, sample, high = values
    is_time = suffixes == ("_after", "_before")
    after = Filter(suffix=suffixes[0], of=of, lookup="gte", finds=sample, misses=high)
    if is_time:
        return after, Filter(suffix=suffixes[1], of=of, lookup="lt", finds=high, misses=sample)
    return after, Filter(suffix=suffixes[1], of=of, lookup="lte", finds=sample, misses=low)


_UUID: Final = "01a211b7-7572-77ad-9044-ed1873e2ee23"
_OTHER_UUID: Final = "01a211b7-7572-77ad-9044-ed1873e2ee24"
_ALL: Final = (
    Kind(
        name="str",
        annotation="str",
        model="CharField(max_length=200, validators=[validate_line]",
        input="fields.LineField(max_length=200",
        output="CharField(",
        sample=('"{title}"', '"{title}"'),
        other=('"Another"', '"Another"'),
        invalid=('"a" * 201', "[]"),
        is_text=True,
        is_searched=True,
        is_ordered=True,
        control="maxLength: 200",
    ),
    Kind(
        name="text",
        annotation="str",
        model="TextField(max_length=10_000",
        input="fields.TextField(max_length=10_000",
        output="CharField(",
        sample=('"{title}"', '"{title}"'),
        other=('"Another"', '"Another"'),
        invalid=('"a" * 10_001', "[]"),
        is_text=True,
        is_searched=True,
        control="maxLength: 10000",
        mail=None,
    ),
    Kind(
        name="int",
        annotation="int",
        model="IntegerField(",
        input="serializers.IntegerField(min_value=-(2**31), max_value=2**31 - 1",
        output="IntegerField(",
        sample=("7", "7"),
        other=("8", "8"),
        invalid=("2**31", '"x"'),
        is_ordered=True,
        filters=_range("django_filters.NumberFilter", ("_min", "_max"), ("6", "7", "8")),
        bad_filter="x",
        control='type: "number", step: 1',
        value="Number({get})",
    ),
    Kind(
        name="decimal",
        annotation="Decimal",
        model="DecimalField(max_digits=12, decimal_places=2",
        input="serializers.DecimalField(max_digits=12, decimal_places=2",
        output="DecimalField(max_digits=12, decimal_places=2",
        sample=('Decimal("12.50")', '"12.50"'),
        other=('Decimal("99.90")', '"99.90"'),
        invalid=('"12.345"', '"x"'),
        is_ordered=True,
        filters=_range("django_filters.NumberFilter", ("_min", "_max"), ("12.49", "12.50", "12.51")),
        bad_filter="x",
        control='type: "number", step: "0.01"',
    ),
    Kind(
        name="bool",
        annotation="bool",
        model="BooleanField(",
        input="fields.BooleanField(",
        output="BooleanField(",
        sample=("True", "True"),
        other=("False", "False"),
        invalid=('"yes"', "1"),
        has_default=True,
        filters=(Filter(of="BooleanFilter", finds="true", misses="false"),),
        bad_filter="yes",
        control='type: "checkbox", required: false',
        value='"{name}" in values',
        mail='|yesno:"yes,no,"',
    ),
    Kind(
        name="date",
        annotation="dt.date",
        model="DateField(",
        input="serializers.DateField(",
        output="DateField(",
        sample=("dt.date(2026, 11, 25)", '"2026-11-25"'),
        other=("dt.date(2026, 12, 24)", '"2026-12-24"'),
        invalid=('"soon"', "20261125"),
        is_ordered=True,
        filters=_range(
            "django_filters.DateFilter", ("_after", "_before"), ("2026-11-24", "2026-11-25", "2026-11-26")
        ),
        bad_filter="soon",
        control='type: "date"',
    ),
    Kind(
        name="datetime",
        annotation="dt.datetime",
        model="DateTimeField(",
        input="serializers.DateTimeField(",
        output="DateTimeField(",
        sample=("dt.datetime(2026, 11, 25, 10, tzinfo=dt.UTC)", '"2026-11-25T10:00:00Z"'),
        other=("dt.datetime(2026, 12, 24, 18, tzinfo=dt.UTC)", '"2026-12-24T18:00:00Z"'),
        invalid=('"soon"', "20261125"),
        is_ordered=True,
        filters=_range(
            "django_filters.IsoDateTimeFilter",
            ("_after", "_before"),
            ("2026-11-25T09:00:00Z", "2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z"),
        ),
        bad_filter="soon",
        control='type: "datetime-local"',
        value="new Date({get}).toISOString()",
    ),
    Kind(
        name="email",
        annotation="str",
        model="EmailField(",
        input="serializers.EmailField(max_length=254",
        output="EmailField(",
        sample=('"ada@example.com"', '"ada@example.com"'),
        other=('"grace@example.com"', '"grace@example.com"'),
        invalid=('"ada"', "[]"),
        is_text=True,
        is_searched=True,
        is_ordered=True,
        control='type: "email", maxLength: 254',
    ),
    Kind(
        name="url",
        annotation="str",
        model="URLField(max_length=500",
        input="serializers.URLField(max_length=500",
        output="URLField(",
        sample=('"https://example.com/one"', '"https://example.com/one"'),
        other=('"https://example.com/two"', '"https://example.com/two"'),
        invalid=('"here"', '"javascript:alert(1)"'),
        is_text=True,
        is_searched=True,
        control='type: "url", maxLength: 500',
    ),
    Kind(
        name="uuid",
        annotation="UUID",
        model="UUIDField(",
        input="fields.UUIDField(",
        output="UUIDField(",
        sample=(f'UUID("{_UUID}")', f'"{_UUID}"'),
        other=(f'UUID("{_OTHER_UUID}")', f'"{_OTHER_UUID}"'),
        invalid=('"x"', "7"),
        filters=(Filter(of="django_filters.UUIDFilter", finds=_UUID, misses=_OTHER_UUID),),
        bad_filter="x",
        control="minLength: 36, maxLength: 36",
        mail=None,
    ),
    Kind(
        name="json",
        annotation="dict[str, Any]",
        model="JSONField(",
        input="serializers.DictField(child=serializers.JSONField(allow_null=True)",
        output="DictField(child=serializers.JSONField()",
        sample=('{"key": "value"}', '{"key": "value"}'),
        other=('{"key": [1, None]}', '{"key": [1, None]}'),
        invalid=("[]", '"x"'),
        has_default=True,
        mail=None,
    ),
    Kind(
        name="choice",
        annotation="str",
        model="CharField(max_length=40, choices={camel}.choices",
        input="serializers.ChoiceField(choices={camel}.choices",
        output="ChoiceField(choices={camel}.choices",
        sample=('"{first}"', '"{first}"'),
        other=('"{second}"', '"{second}"'),
        invalid=('"no choice"', "[]"),
        is_text=True,
        has_default=True,
        filters=(Filter(of="django_filters.ChoiceFilter", finds="{first}", misses="{second}"),),
        bad_filter="no+choice",
        mail="",
    ),
    Kind(
        name="user",
        annotation="UUID",
        model='ForeignKey("users.User"',
        input="",
        output='UUIDField(source="{name}_id"',
        sample=("", ""),
        other=("", ""),
        invalid=(),
        mail=None,
    ),
)
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}
