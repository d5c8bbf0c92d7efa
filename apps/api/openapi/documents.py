"""The rendered schema documents: created once for each process and version, kept as bytes with their ETag, plain and gzipped."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drf_spectacular.renderers import OpenApiYamlRenderer

from apps.api.openapi import schema
from apps.api.zones.routes import Pattern
from apps.api.zones.table import Version, Zone


class Format(StrEnum):
    """The formats of a document; the value is the end of its name."""

    YAML = "yaml"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One format of one document. The ETag is that of the plain form."""

    plain: bytes
    gzipped: bytes
    etag: str


class Document:
    """The schema of one version of one zone, created on first use."""

    def __init__(self, zone: Zone, version: Version, patterns: Sequence[Pattern]) -> None:
        self.zone, self.version, self.patterns = zone, version, tuple(patterns)
        self._lock = threading.Lock()
        self._rendered: dict[Format, Rendered] = {}

    @property
    def name(self) -> str:
        """The name of its file, without the format."""
        return f"{self.zone.name}.{self.version.name}"

    def data(self) -> dict[str, Any]:
        """The document as data, created anew. Raises schema.SchemaInvalid."""
        return schema.generate(self.zone, self.version, self.patterns)

    def rendered(self, format_: Format) -> Rendered:
        """The document as bytes. Raises schema.SchemaInvalid."""
        found = self._rendered.get(format_)
        if found is None:
            with self._lock:
                if not self._rendered:
                    data = self.data()
                    self._rendered = {item: _render(data, item) for item in Format}
                found = self._rendered[format_]
        return found


def as_yaml(data: dict[str, Any]) -> bytes:
    """YAML in the order of the document."""
    text: bytes = OpenApiYamlRenderer().render(data, renderer_context={})  # type: ignore[no-untyped-call]
    return text


def _render(data: dict[str, Any], format_: Format) -> Rendered:
    plain = as_yaml(data) if format_ is Format.YAML else json.dumps(data, indent=2).encode() + b"\n"
    # mtime=0: the same document is the same bytes in every process.
    return Rendered(plain, gzip.compress(plain, 6, mtime=0), hashlib.sha256(plain).hexdigest()[:32])
