"""The zone table: frozen typed values, and the table that the settings name.

`validation` finds its mistakes, `mounting` turns it into URLs, `guard` enforces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from apps.common.http.authentication import challenge_of


class Floor(StrEnum):
    """The minimum for entering a zone. A view may require more, never less."""

    ANYONE = "anyone"
    USER = "user"
    SERVICE = "service"
    ADMIN = "admin"


class Docs(StrEnum):
    """Readers of a zone's schema and documentation pages."""

    OPEN = "open"
    FLOOR = "floor"


class CountBy(StrEnum):
    """The key of a zone's rates: the client address, or the caller (the address while anonymous)."""

    ADDRESS = "address"
    CALLER = "caller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Browser origins (`https://app.example`) that may call a zone from their pages; `*` is any."""

    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a zone. `deprecated` and `sunset` are announced in headers (RFC 9745, RFC 8594) and schema."""

    name: str
    deprecated: date | None = None
    sunset: date | None = None
    notice: str = ""
    """A page that says what to do about the deprecation."""


V1 = Version(name="v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One zone: its texts, its slices, who may enter, how often, and who reads its documentation.

    `authentication` names registered authenticators in the order in which they are tried. `rates` limit callers,
    `refused_rates` limit an address whose calls lack a valid credential; both are written `"60/minute"`. `middleware` are
    dotted names of callables `(request, call) -> response`, outermost first, which run for admitted calls. The edge does not
    route a zone with `exposed=False`.
    """

    name: str
    title: str
    description: str
    slices: tuple[str, ...]
    floor: Floor
    versions: tuple[Version, ...] = (V1,)
    authentication: tuple[str, ...] = ("bearer",)
    rates: tuple[str, ...] = ("600/minute",)
    rates_by: CountBy = CountBy.CALLER
    refused_rates: tuple[str, ...] = ("600/minute",)
    docs: Docs = Docs.FLOOR
    cors: Cors = field(default_factory=Cors)
    exposed: bool = True
    middleware: tuple[str, ...] = ()

    @property
    def newest(self) -> Version:
        """The last version, which the zone's own documentation shows."""
        return self.versions[-1]

    @property
    def challenge(self) -> str:
        """The `WWW-Authenticate` of a 401, with every accepted credential (RFC 9110, section 11.6.1)."""
        return ", ".join(dict.fromkeys(map(challenge_of, self.authentication))) or "Bearer"


@dataclass(frozen=True, slots=True)
class ZoneTable:
    """All zones in their order."""

    zones: tuple[Zone, ...]

    def __iter__(self) -> Iterator[Zone]:
        return iter(self.zones)

    def __len__(self) -> int:
        return len(self.zones)

    def get(self, name: str) -> Zone:
        """The zone of that name. Raises KeyError with the names that exist."""
        for zone in self.zones:
            if zone.name == name:
                return zone
        raise KeyError(
            f"There is no zone {name!r}; the table has {', '.join(zone.name for zone in self.zones)}."
        )


@lru_cache(maxsize=1)
def table() -> ZoneTable:
    """The table that `settings.ZONES` names. It may contain mistakes: `validation.find_mistakes` finds them.

    Raises ImportError for an unknown name, TypeError for a value that is no collection.
    """
    return ZoneTable(tuple(import_string(settings.ZONES)))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "ZONES":
        table.cache_clear()


setting_changed.connect(_forget, dispatch_uid="apps.api.zones.table")
