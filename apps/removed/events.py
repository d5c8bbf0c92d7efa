"""Events of this slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.common.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRemoved(Event):
    """The slice `label` is gone from the code and, but for tables that are kept, from the database."""

    name: ClassVar[str] = "removed.slice_removed"
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLeft(Event):
    """The tables of a removed slice are gone, and nothing refers to the private files of this folder any more."""

    name: ClassVar[str] = "removed.folder_left"
    folder: str
