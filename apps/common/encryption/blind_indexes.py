"""`BlindIndexField`, with which rows are found by the value of an EncryptedCharField, for equality only.

    phone = EncryptedCharField(max_length=32, null=True)
    phone_index = BlindIndexField(source="phone", normalise=phone_numbers.canonical)

    User.objects.filter(phone_index="+44 20 7946 0958")

Saving an instance computes it from its source. A search tries old keys, too, and so finds rows that `rotate_field_keys`
has not reached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import Lookup
from django.db.models.signals import pre_save

from apps.common.encryption import ciphers
from apps.common.encryption.fields import field_error


class Digest(bytes):
    """A digest made by the field, which refuses to write any other bytes."""

    __slots__ = ()


def as_it_is(text: str) -> str:
    """The default of `normalise`: only identical texts are equal."""
    return text


class BlindIndexField(models.BinaryField):  # type: ignore[type-arg]  # generic for mypy only
    """The keyed digest of the encrypted field `source`, null when that is null.

    `normalise` gives equal texts the same form; after changing it, run `rotate_field_keys`. Add a constraint that source
    and index are null together, because `update(source=None)` leaves the index unchanged.
    """

    description = "Blind index of an encrypted text"

    def __init__(
        self, *args: Any, source: str, normalise: Callable[[str], str] = as_it_is, **kwargs: Any
    ) -> None:
        defaults = {"null": True, "blank": True, "default": None, "editable": False, "db_index": True}
        super().__init__(*args, **(defaults | kwargs))
        self.source = source
        self.normalise = normalise

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        own = {"source": self.source, "normalise": self.normalise, "editable": False}
        return name, path, args, kwargs | own

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:  # noqa: FBT001, FBT002
        super().contribute_to_class(cls, name, private_only)
        if not cls._meta.abstract:
            pre_save.connect(self._require_both, sender=cls)

    def _require_both(self, update_fields: frozenset[str] | None = None, **_: Any) -> None:
        """Raises FieldError when the source is saved without the index."""
        if update_fields is not None and self.source in update_fields and self.name not in update_fields:
            raise field_error(self, f"has to be saved along with {self.source}")

    @property
    def _digests(self) -> Any:
        source: Any = self.model._meta.get_field(self.source)
        return ciphers.blind_index(f"{self.model._meta.db_table}.{source.column}")

    def digest(self, plain: str | None) -> Digest | None:
        return None if plain is None else Digest(self._digests.digest(self.normalise(plain)))

    def candidates(self, plain: str) -> tuple[bytes, ...]:
        """The digests of a text by each key of the ring."""
        return tuple(self._digests.candidates(self.normalise(plain)))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001  (Django's signature)
        """The digest of the instance's source; unchanged if the source is deferred."""
        if not add and self.source in model_instance.get_deferred_fields():
            return getattr(model_instance, self.attname)
        digest = self.digest(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, digest)
        return digest

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Digest | None:
        return None if value is None else Digest(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Raises FieldError for a value that is neither a Digest nor None."""
        if value is None or isinstance(value, Digest):
            return super().get_db_prep_value(None if value is None else bytes(value), connection, prepared)
        raise field_error(self, f"is filled from {self.source}: set that and save")

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """Raises FieldError for a lookup other than `exact`, by a text of the source, and `isnull`."""
        if lookup_name == "exact":
            return _Equal
        if lookup_name != "isnull":
            raise field_error(self, "can be searched for equality only")
        return super().get_lookup(lookup_name)


class _Equal(Lookup):
    """Matches any digest of the text."""

    lookup_name = "exact"

    def get_prep_lookup(self) -> tuple[bytes, ...] | None:
        """The digests, or None, which Django turns into `isnull`. Raises FieldError for a value that is not a text."""
        field = self.lhs.output_field
        if self.rhs is None:
            return None
        if not isinstance(self.rhs, str):
            raise field_error(field, f"is looked up by a text of {field.source}")
        return tuple(field.candidates(self.rhs))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} IN ({', '.join(['%s'] * len(self.rhs))})", [*parameters, *self.rhs]
