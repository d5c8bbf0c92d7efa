"""Makes rows of any model that belong to one user, from values that the table accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldError, ValidationError
from django.db import DatabaseError, connection, models, transaction

from apps.common.exceptions import DomainError

Values = dict[str, Any]
OWNER, OTHER, _TESTED = (UUID(int=number) for number in (1, 2, 3))
_NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_ERRORS = (DatabaseError, DomainError, FieldError, ValidationError, ValueError, TypeError)


def _texts(column: Any, number: int) -> Iterable[str]:
    texts = (f"k{number}estrel", f"k{number}@example.com", f"https://example.com/{number}", str(number))
    return (text[: column.max_length] for text in texts)


# In this order, because some of these types are subclasses of others.
_SAMPLES: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any, int], Iterable[Any]]], ...]] = (
    (models.BooleanField, lambda _, __: (False, True)),
    (models.IntegerField, lambda _, number: (number, 100 + number, 0)),
    (models.FloatField, lambda _, number: (number / 4,)),
    (models.DecimalField, lambda column, number: (Decimal(number).scaleb(-(column.decimal_places or 0)),)),
    (
        models.DateTimeField,
        lambda _, number: (start + timedelta(days=number) for start in (_NOON, datetime.now(tz=UTC))),
    ),
    (models.DateField, lambda _, number: (date(2026, 1, number),)),
    (models.TimeField, lambda _, number: (time(number),)),
    (models.DurationField, lambda _, number: (timedelta(hours=number),)),
    (models.UUIDField, lambda _, __: (OWNER, OTHER)),
    (models.JSONField, lambda _, number: ({"kestrel": number}, [number])),
    (models.BinaryField, lambda column, number: (bytes([number]) * (column.max_length or 8),)),
    (models.GenericIPAddressField, lambda _, number: (f"192.0.2.{number}",)),
    ((models.CharField, models.TextField, models.FileField), _texts),
)


def columns(model: type[models.Model]) -> list[Any]:
    """The columns that a row's writer fills: no primary key, nothing that the database generates."""
    return [
        column
        for column in model._meta.concrete_fields
        if not isinstance(column, models.GeneratedField) and (column.remote_field or not column.primary_key)
    ]


def is_link(column: Any) -> bool:
    """Whether the column names a user."""
    if column.remote_field:
        return column.related_model is get_user_model()
    return isinstance(column, models.UUIDField) and not column.primary_key


class SampleRows:
    """Makes rows of any model that belong to one user. Learns from the database which values a table accepts."""

    def __init__(self, declared: Mapping[str, Callable[[UUID], Values]]) -> None:
        """`declared` has, by the label of a model, what makes a row belong to a user besides its links."""
        self.declared = declared
        self.refusal = ""
        self._bases: dict[type[models.Model], Values | None] = {}
        self._related: dict[tuple[type[models.Model], UUID], list[Any]] = {}
        user = get_user_model()
        self.users = [
            self.insert(user, {**(self._search(user, number) or {}), user._meta.pk.name: pk})
            for number, pk in ((1, OWNER), (2, OTHER))
        ]

    def insert(self, model: type[models.Model], values: Values) -> models.Model:
        row = model(**{model._meta.get_field(name).attname: value for name, value in values.items()})  # type: ignore[union-attr]
        row.save(force_insert=True)
        now = {
            column.name: values.get(column.name, _NOON)
            for column in columns(model)
            if getattr(column, "auto_now", False)
        }
        if now:
            model._base_manager.filter(pk=row.pk).update(**now)
        return row

    def owner(self, model: type[models.Model], row: models.Model) -> UUID:
        pk: UUID = row.pk if model is get_user_model() else OWNER
        return pk

    def base(self, model: type[models.Model]) -> Values | None:
        """Values of a row with little more than what is required; None if the table accepts none."""
        if model not in self._bases:
            self._bases[model] = self._search(model, 3)
        return self._bases[model]

    def pair(self, model: type[models.Model], column: Any) -> tuple[Values, Values] | None:
        """Values of two rows that differ in this column alone; None if the table accepts no such pair."""
        base = self.base(model) or {}
        companions = (
            {other.name: value}
            for other in columns(model)
            for value in self._candidates(other, 4)
            if other is not column and other.related_model is not get_user_model()
        )
        for companion in chain([{}], companions):
            first = {**base, **companion}
            if first.get(column.name) is None:
                first = self.replace(model, column, first) or {}
            second = first and self.replace(model, column, first)
            if first and second:
                return first, second
        return None

    def replace(self, model: type[models.Model], column: Any, values: Values) -> Values | None:
        """The same values but for another one in a column; None if the table accepts none."""
        options = [*self._candidates(column, 4), *self._candidates(column, 5)]
        changed = ({**values, column.name: value} for value in options if value != values.get(column.name))
        return next((one for one in changed if self._accepts(model, one)), None)

    def _search(self, model: type[models.Model], number: int, owner: UUID = OWNER) -> Values | None:
        """Required columns and relations, and one of the others if the table refuses these alone."""
        links = {column.name: owner for column in columns(model) if is_link(column)}
        required: Values = {}
        key = model._meta.pk
        if isinstance(key, models.UUIDField):
            required[key.name] = _TESTED
        elif not isinstance(key, models.AutoField) and not key.remote_field:
            required[key.name] = self._candidates(key, number)[0]
        for column in columns(model):
            if column.name in links:
                continue
            if isinstance(column, models.DateTimeField) and not column.null:
                required[column.name] = _NOON + timedelta(days=number * (not column.has_default()))
            elif not (column.null or column.has_default() or column.has_db_default()):
                required[column.name] = next(iter(self._candidates(column, number)), None)
        relations = {
            column.name: keys[0]
            for column in columns(model)
            if column.remote_field and column.name not in links and (keys := self._candidates(column, number))
        }
        declared = self.declared.get(model._meta.label)
        own = declared(owner) if declared else {}
        one_more = (
            {column.name: value} for column in columns(model) for value in self._candidates(column, number)
        )
        starts = ({**links, **required, **relations}, {**links, **required}, required)
        for more in chain([{}], one_more):
            for start in starts:
                values = {**start, **own, **more}
                if self._accepts(model, values):
                    return values
        return None

    def _accepts(self, model: type[models.Model], values: Values) -> bool:
        with transaction.atomic():
            try:
                with transaction.atomic():
                    self.insert(model, values)
                    connection.check_constraints()
            except _ERRORS as refusal:
                self.refusal = str(refusal).partition("\n")[0]
                return False
            transaction.set_rollback(True)
        return True

    def _candidates(self, column: Any, number: int) -> list[Any]:
        """Values for a column, those first that its validators accept."""
        nothing = [None] if column.null else []
        if column.remote_field:
            return self._others(column) + nothing
        if column.choices:
            return [value for value, _ in column.flatchoices] + nothing
        if isinstance(column, ArrayField):
            return [[value] for value in self._candidates(column.base_field, number)] + nothing
        values = list(self._plain(column, number))
        return sorted(values, key=lambda value: not _is_valid(column, value)) + nothing

    def _others(self, column: Any) -> list[Any]:
        """The keys of two rows to which a column may refer: the user's own, if it makes its row personal."""
        model = column.related_model
        if model is get_user_model():
            return [OWNER, OTHER]
        owner = OTHER if any(is_link(other) for other in columns(column.model)) else OWNER
        if (model, owner) not in self._related:
            self._related[model, owner] = keys = []
            for number in (1, 2):
                values = self._search(model, number, owner)
                if values is not None:
                    if values.get(model._meta.pk.name) == _TESTED:
                        values = {**values, model._meta.pk.name: uuid4()}
                    keys.append(self.insert(model, values).pk)
        return self._related[model, owner]

    def _plain(self, column: Any, number: int) -> Iterator[Any]:
        for kind, samples in _SAMPLES:
            if isinstance(column, kind):
                yield from samples(column, number)
                break
        if isinstance(column, models.CharField):
            yield from self._referred(column)
        if not column.null and column.has_default():
            yield column.get_default()

    def _referred(self, column: Any) -> list[Any]:
        """Keys to which the database itself lets the column refer."""
        with connection.cursor() as cursor:
            relations = connection.introspection.get_relations(cursor, column.model._meta.db_table)
            if column.column not in relations:
                return []
            target, table = relations[column.column][:2]
            cursor.execute(f'SELECT "{target}" FROM "{table}" ORDER BY 1')
            return [value for (value,) in cursor.fetchall()]


def _is_valid(column: Any, value: Any) -> bool:
    try:
        column.run_validators(value)
    except (ValidationError, TypeError):
        return False
    return True
