"""`EncryptedCharField`: a text encrypted at rest, bound to its table, column and row."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models import Lookup
from django.db.models.query_utils import DeferredAttribute

from apps.common.encryption import ciphers
from infrastructure.crypto import DecryptionError

_COLUMN = re.compile(r'("[^"]+")\."([^"]+)"')


class Sealed(str):
    """A ciphertext made by the field, which refuses to write any other text."""

    __slots__ = ()


class _EncryptedAttribute(DeferredAttribute):
    """Decrypts on first access a value that `EncryptedCharField.leave_encrypted` has kept."""

    field: EncryptedCharField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = None if instance is None else vars(instance).pop(self.field.kept_name, None)
        if value is None:
            return super().__get__(instance, cls)
        plain = vars(instance)[self.field.attname] = self.field.from_db_value(value, None, None)
        return plain


class EncryptedCharField(models.CharField):  # type: ignore[type-arg]  # generic for mypy only
    """Text of at most `max_length` characters, encrypted with FIELD_ENCRYPTION_KEYS.

    A value is encrypted for one row, whose primary key must be known before it is saved, as in `BaseModel`. Every SELECT
    includes the key of the row: a value copied from another row raises DecryptionError in instances, `values()` and
    joins. The only lookup is `isnull`. `update()` and `bulk_update()` of values raise FieldError, because they do not
    know the row; save instances instead. `update(phone=None)` works.
    """

    description = "Encrypted text (up to %(max_length)s characters)"
    descriptor_class = _EncryptedAttribute

    def db_type(self, connection: Any) -> str:
        """Without a length, because `max_length` limits the plain text."""
        return "text"

    def context(self, pk: Any) -> str:
        """The context of a row's value: `table.column:key`."""
        return f"{self.model._meta.db_table}.{self.column}:{pk}"

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001  (Django's signature)
        value = getattr(model_instance, self.attname)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if model_instance.pk is None:
            raise field_error(self, "is encrypted for its row, whose key is not known yet")
        plain = self.to_python(value)
        if self.max_length is not None and len(plain) > self.max_length:
            # The column has no limit.
            raise field_error(self, f"is longer than {self.max_length} characters")
        return Sealed(ciphers.cipher().encrypt(plain, self.context(model_instance.pk)))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Raises FieldError for a value that is neither Sealed nor None, which would be stored in plain text."""
        if value is None:
            return None
        if isinstance(value, Sealed):
            return str(value)
        raise field_error(self, "is encrypted for its row: set it on the instance and save that")

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        """Raises FieldError for an expression, whose result would be stored in plain text."""
        if hasattr(value, "resolve_expression"):
            raise field_error(self, "is encrypted and cannot be computed by the database")
        return "%s"

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """Raises FieldError for a lookup other than `isnull`: ciphertexts are never equal."""
        if lookup_name != "isnull":
            raise field_error(self, f"is encrypted and cannot be searched ({lookup_name})")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """The column with the key of its row, which `from_db_value` needs."""
        match = _COLUMN.fullmatch(sql)
        if match is None or match[2] != self.column:
            raise field_error(self, "is encrypted and cannot be used in expressions")
        return f"({sql} || ' ' || {match[1]}.\"{self.model._meta.pk.column}\"::text)", params

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """The plain text. Raises DecryptionError for a value that was not saved in this row."""
        if value is None:
            return None
        cipher, separator, key = value.partition(" ")
        if not separator:
            raise DecryptionError(f"{self.model.__name__}.{self.name} was read without the key of its row.")
        return ciphers.cipher().decrypt(cipher, self.context(key))

    @property
    def kept_name(self) -> str:
        return f"_{self.attname}_encrypted"

    def leave_encrypted(self, model_instance: models.Model, value: str) -> None:
        """Keep a value of the database, to decrypt it when the attribute is read. Until then the field counts as deferred."""
        vars(model_instance)[self.kept_name] = value


def field_error(field: Any, problem: str) -> FieldError:
    return FieldError(f"{field.model.__name__}.{field.name} {problem}.")
