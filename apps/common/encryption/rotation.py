"""Key rotation: encrypts every value, and recomputes its blind index, with the first key of the ring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models.functions import Cast

from apps.common.encryption import ciphers
from apps.common.encryption.blind_indexes import BlindIndexField
from apps.common.encryption.fields import EncryptedCharField, Sealed
from infrastructure.crypto import DecryptionError


@dataclass(slots=True, kw_only=True)
class Progress:
    """The progress of one column, in rows; `failed` has the keys of rows that do not decrypt."""

    column: str
    total: int
    seen: int = 0
    rotated: int = 0
    failed: list[str] = field(default_factory=list)


def encrypted_fields() -> list[EncryptedCharField]:
    """The encrypted fields of all models that have a table, in a stable order."""
    found = [
        column
        for model in apps.get_models()
        for column in model._meta.local_concrete_fields
        if isinstance(column, EncryptedCharField) and model._meta.managed and not model._meta.proxy
    ]
    return sorted(found, key=lambda column: (column.model._meta.db_table, column.name))


def rotate(column: EncryptedCharField, *, batch: int = 500) -> Iterator[Progress]:
    """Rotate one column and its blind indexes, yielding after each batch.

    Each batch is one transaction, so the process can be interrupted at any time and run again. It skips values that are
    encrypted with the first key, including those that change during the rotation, and values that do not decrypt.
    """
    rows: Any = column.model._base_manager.exclude(  # noqa: SLF001  (documented by Django)
        **{f"{column.name}__isnull": True}
    )
    progress = Progress(column=f"{column.model._meta.db_table}.{column.column}", total=rows.count())
    indexes = [
        index
        for index in column.model._meta.local_concrete_fields
        if isinstance(index, BlindIndexField) and index.source == column.name
    ]
    last: Any = None
    # In an expression, the column has its stored value.
    stored = rows.annotate(stored_text=_stored_text(column)).order_by("pk")
    stored = stored.values_list("pk", "stored_text", *(index.name for index in indexes))
    while chunk := list((stored if last is None else stored.filter(pk__gt=last))[:batch]):
        with transaction.atomic():
            for pk, text, *digests in chunk:
                try:
                    due = _due(column, column.context(pk), text, dict(zip(indexes, digests, strict=True)))
                except DecryptionError:
                    progress.failed.append(str(pk))
                    continue
                if due:
                    unchanged = rows.filter(pk=pk).annotate(stored_text=_stored_text(column))
                    progress.rotated += unchanged.filter(stored_text=text).update(**due)
        last = chunk[-1][0]
        progress.seen += len(chunk)
        yield progress


def _due(
    column: EncryptedCharField, context: str, text: str, digests: dict[BlindIndexField, bytes | None]
) -> dict[str, Any]:
    """The fields of a row to write. Raises DecryptionError."""
    cipher = ciphers.cipher()
    due: dict[str, Any] = {}
    if not cipher.is_current(text, context):
        due[column.name] = Sealed(cipher.rotate(text, context))
    if digests:
        plain = cipher.decrypt(text, context)
        for index, digest in digests.items():
            wanted = index.digest(plain)
            if digest != wanted:
                due[index.name] = wanted
    return due


def _stored_text(column: EncryptedCharField) -> Cast:
    return Cast(column.name, models.TextField())
