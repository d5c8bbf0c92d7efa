"""The personal data of a user in the kept tables of removed slices, each under the slice's own name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from apps.common.data_export import Export
from apps.removed import selectors
from apps.removed.types import KeptTable


def exports() -> dict[str, Export]:
    """The `export` functions by the labels of the removed slices."""
    return {label: partial(_export, kept) for label, kept in selectors.list_kept().items()}


def _export(kept: list[KeptTable], user_id: UUID) -> Mapping[str, Any]:
    return {
        table.name: selectors.list_rows(table, kept=kept, user_id=user_id) for table in kept if table.columns
    }
