"""Rotation of the field keys: every encrypted value again under the first key of the ring, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.functions import Cast

from apps.common import ciphers
from apps.common.fields import EncryptedCharField, Sealed
from infrastructure.crypto import DecryptionError


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far the rotation of one column has come."""

    column: str
    total: int
    seen: int = 0
    rotated: int = 0
    failed: list[str] = field(default_factory=list)


def encrypted_fields() -> list[EncryptedCharField]:
    """Every encrypted field of every model that has a table of its own, in a stable order."""
    found = [
        column
        for model in apps.get_models()
        for column in model._meta.local_concrete_fields
        if isinstance(column, EncryptedCharField) and model._meta.managed and not model._meta.proxy
    ]
    return sorted(found, key=lambda column: (column.model._meta.db_table, column.name))


def rotate(column: EncryptedCharField, *, batch: int = 500) -> Iterator[Progress]:
    """Rotate one column, yielding after each batch; each batch is committed, so it can stop after any.

    A value that the first key encrypted already is left alone: after an interruption, or run a second time, only what
    remains is written. A value that changes meanwhile is left alone, too: whoever changed it used the first key.
    Values that do not decrypt are left as they are and named in `failed`.
    """
    cipher = ciphers.cipher()
    rows: Any = column.model._base_manager.exclude(  # noqa: SLF001  (documented by Django)
        **{f"{column.name}__isnull": True}
    )
    progress = Progress(column=f"{column.model._meta.db_table}.{column.column}", total=rows.count())
    last: Any = None
    # Inside an expression the column comes as it is stored.
    stored = rows.annotate(stored_text=_stored_text(column)).order_by("pk").values_list("pk", "stored_text")
    while chunk := list((stored if last is None else stored.filter(pk__gt=last))[:batch]):
        for pk, text in chunk:
            place = column.place(pk)
            try:
                if not cipher.is_current(text, place):
                    again = Sealed(cipher.rotate(text, place))
                    unchanged = (
                        rows.filter(pk=pk).annotate(stored_text=_stored_text(column)).filter(stored_text=text)
                    )
                    progress.rotated += unchanged.update(**{column.name: again})
            except DecryptionError:
                progress.failed.append(str(pk))
        last = chunk[-1][0]
        progress.seen += len(chunk)
        yield progress


def _stored_text(column: EncryptedCharField) -> Cast:
    return Cast(column.name, models.TextField())
