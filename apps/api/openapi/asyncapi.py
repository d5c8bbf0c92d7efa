"""AsyncAPI documents of the slices' sockets, served beside a zone's OpenAPI documents to the same readers.

A slice with sockets describes them in its `asyncapi.py`: `ZONE`, the name of the zone, and `document()`, the document as
data. It is served as `/api/<zone>/<slice>/asyncapi.yaml` and `.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from apps.api.openapi.documents import Document
from apps.api.zones.table import Zone
from apps.common.slices import Slice


class SocketDocument(Document):
    """The AsyncAPI document of one slice."""

    def __init__(self, zone: Zone, slice_: Slice, module: ModuleType) -> None:
        super().__init__(zone, zone.newest, ())
        self.label = slice_.label
        self._module = module

    @property
    def name(self) -> str:
        """The name of its file, without the format."""
        return f"{self.label}.asyncapi"

    def data(self) -> dict[str, Any]:
        """The document as data, created anew."""
        data: dict[str, Any] = self._module.document()
        return data


def documents(zone: Zone, found: Sequence[Slice]) -> list[SocketDocument]:
    """The documents of the zone's own slices."""
    made = []
    for slice_ in found:
        module = slice_.module("asyncapi") if slice_.label in zone.slices else None
        if module is not None and zone.name == module.ZONE:
            made.append(SocketDocument(zone, slice_, module))
    return made
