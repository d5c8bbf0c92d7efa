"""Model fields. `EncryptedCharField` keeps a text encrypted at rest, bound to its table, column and row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models import Lookup

from apps.common.encryption import ciphers
from infrastructure.crypto import DecryptionError

if TYPE_CHECKING:  # generic for mypy only
    CharField = models.CharField[Any, Any]
else:
    CharField = models.CharField


class Sealed(str):
    """A ciphertext on its way to the database; any other text is refused there."""

    __slots__ = ()


class EncryptedCharField(CharField):
    """Text of at most `max_length` characters, encrypted with FIELD_ENCRYPTION_KEYS.

    A value is sealed for one row: its primary key has to be known before it is saved (`BaseModel` knows it). Every
    SELECT brings the key of the row along, so a value that was copied from elsewhere raises DecryptionError wherever
    it is read: instances, `values()`, joins. Nothing can be searched or sorted by it; `isnull` works. What has no row
    at hand cannot seal: `update()` and `bulk_update()` raise FieldError (`update(phone=None)` works), save instances.
    """

    description = "Encrypted text (up to %(max_length)s characters)"

    def db_type(self, connection: Any) -> str:
        """Ciphertexts are longer than `max_length`, which bounds the plain text."""
        return "text"

    def place(self, pk: Any) -> str:
        """What a value of that row is bound to: `table.column:key`."""
        return f"{self.model._meta.db_table}.{self.column}:{pk}"

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001  (Django's signature)
        """The value of an instance, sealed."""
        value = getattr(model_instance, self.attname)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if model_instance.pk is None:
            raise FieldError(
                f"{self.model.__name__}.{self.name} is bound to the row's key, which is not known yet."
            )
        plain = self.to_python(value)
        if self.max_length is not None and len(plain) > self.max_length:
            # The column has no limit that would catch it.
            raise FieldError(
                f"{self.model.__name__}.{self.name} is longer than {self.max_length} characters."
            )
        return Sealed(ciphers.cipher().encrypt(plain, self.place(model_instance.pk)))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Let ciphertexts and NULL through. Raises FieldError for anything else: it would be stored as it is."""
        if value is None:
            return None
        if isinstance(value, Sealed):
            return str(value)
        raise FieldError(
            f"{self.model.__name__}.{self.name} is encrypted for its row: set it on the instance and save that."
        )

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        """Raises FieldError for an expression: what the database computes is not encrypted."""
        if hasattr(value, "resolve_expression"):
            raise FieldError(
                f"{self.model.__name__}.{self.name} is encrypted and cannot be computed by the database."
            )
        return "%s"

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """Only `isnull`. Raises FieldError: no two ciphertexts are equal, so a search would silently find nothing."""
        if lookup_name != "isnull":
            raise FieldError(
                f"{self.model.__name__}.{self.name} is encrypted and cannot be searched ({lookup_name})."
            )
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        """None: there is nothing to transform."""
        return None

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """The column followed by the key of its row, which `from_db_value` needs."""
        match = _COLUMN.fullmatch(sql)
        if match is None or match[2] != self.column:
            raise FieldError(
                f"{self.model.__name__}.{self.name} is encrypted and cannot be used in expressions."
            )
        return f"({sql} || ' ' || {match[1]}.\"{self.model._meta.pk.column}\"::text)", params

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """The plain text. Raises DecryptionError when it is not what was saved in this very row."""
        if value is None:
            return None
        cipher, separator, key = value.partition(" ")
        if not separator:
            raise DecryptionError(f"{self.model.__name__}.{self.name} was read without the key of its row.")
        return ciphers.cipher().decrypt(cipher, self.place(key))


_COLUMN = re.compile(r'("[^"]+")\."([^"]+)"')
