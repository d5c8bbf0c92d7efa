"""The packages to generate: one for each language and zone, and one module for browsers with all requested zones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apps.api.zones.mounting import Mounted
from apps.api.zones.table import Zone
from infrastructure.product import PRODUCT

_VERSION_PARTS = 3


class Language(StrEnum):
    """The languages of packages. `browser` is an ES module for pages without a build step."""

    TYPESCRIPT = "typescript"
    PYTHON = "python"
    BROWSER = "browser"


PACKAGES = (Language.TYPESCRIPT, Language.PYTHON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One version of a zone, from which packages are generated."""

    name: str
    """`private`, or `private-v1` when that version was requested."""
    zone: Zone
    schema: dict[str, Any]

    @property
    def package(self) -> str:
        """The name in a registry: `acme-private-client`."""
        return re.sub(r"[^a-z0-9]+", "-", f"{PRODUCT.slug} {self.name} client".lower()).strip("-")

    @property
    def module(self) -> str:
        """The name to import in Python: `acme_private_client`."""
        return self.package.replace("-", "_")

    @property
    def version(self) -> str:
        """The schema's version with three parts: `v1` is `1.0.0`."""
        parts = re.findall(r"\d+", self.schema["info"]["version"])[:_VERSION_PARTS]
        return ".".join([*parts, "0", "0", "0"][:_VERSION_PARTS])

    @property
    def has_session(self) -> bool:
        """Whether callers can sign in."""
        return "bearer" in self.zone.authentication

    @property
    def signs_in(self) -> bool:
        """Whether callers must sign in."""
        return self.has_session and self.zone.floor != "anyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One package, or the module for browsers."""

    language: Language
    sources: tuple[Source, ...]

    @property
    def path(self) -> str:
        """The path below the output folder: `typescript/private`, `python/private`, `browser`."""
        if self.language is Language.BROWSER:
            return self.language.value
        return f"{self.language}/{self.sources[0].name}"


def sources(mounted: Mounted, wanted: Sequence[str] = ()) -> tuple[Source, ...]:
    """The sources named `private` (the newest version) or `private/v1`; all zones without names.

    Raises KeyError for an unknown name, SchemaInvalid.
    """
    names = dict.fromkeys(wanted) or [zone.name for zone in mounted.table]
    return tuple(_source(mounted, name) for name in names)


def _source(mounted: Mounted, name: str) -> Source:
    zone, _, version = name.partition("/")
    document = mounted.document(zone, version or mounted.table.get(zone).newest.name)
    return Source(name=name.replace("/", "-"), zone=document.zone, schema=document.data())


def units(of: Iterable[Source], languages: Sequence[Language] = PACKAGES) -> tuple[Unit, ...]:
    """The packages of these sources in these languages."""
    given = tuple(of)
    made = [
        Unit(language=language, sources=(source,))
        for language in PACKAGES
        if language in languages
        for source in given
    ]
    if Language.BROWSER in languages:
        made.append(Unit(language=Language.BROWSER, sources=given))
    return tuple(made)
