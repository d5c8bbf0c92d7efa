"""Everything that can be wrong with a zone table and with what slices offer to it, each with the way to mend it.

Pure judgement: `checks` turns mistakes into system-check errors, `mounting` into a refusal to start.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.urls import URLPattern, URLResolver
from django.utils.module_loading import import_string

from apps.api.slices import Routes, Slice
from apps.api.validation_routes import route_mistakes
from apps.api.zones import CountBy, Docs, Floor, Version, Zone
from apps.common.authentication import authenticator_names
from infrastructure.cache.ratelimit import Rate, RateSyntaxError

RESERVED = frozenset({"problems", "schema", "redoc", "docs", "static", "asyncapi"})
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_VERSION = re.compile(r"v[1-9][0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake: a stable number, where it is, what it is, how to mend it."""

    id: str
    message: str
    hint: str
    zone: str = ""
    slice: str = ""

    def __str__(self) -> str:
        where = " ".join(
            f"{kind} '{name}'" for kind, name in (("zone", self.zone), ("slice", self.slice)) if name
        )
        return f"{where}: {self.message}" if where else self.message


def find_mistakes(zones: Sequence[Any], slices: Sequence[Slice]) -> list[Mistake]:
    """Every mistake of the table and of the slices' routes, in a stable order. Empty: it can be mounted."""
    if not zones:
        return [Mistake(id="E001", message="The zone table is empty.", hint="List at least one Zone in ZONES.")]
    if strange := [item for item in zones if not isinstance(item, Zone)]:
        return [
            Mistake(
                id="E001",
                message=f"The zone table holds {item!r}, which is no Zone.",
                hint="List Zone(...) values only.",
            )
            for item in strange
        ]
    mistakes = list(_of_names(zones))
    for zone in zones:
        mistakes += _of_words(zone)
        mistakes += _of_versions(zone)
        mistakes += _of_entry(zone)
        mistakes += _of_rates(zone)
        mistakes += _of_edges(zone)
    mistakes += _of_slices(zones, slices)
    return mistakes


def _of_names(zones: Sequence[Zone]) -> Iterator[Mistake]:
    for name, count in Counter(zone.name for zone in zones).items():
        if count > 1:
            yield Mistake(
                id="E003",
                zone=name,
                message=f"{count} zones have this name.",
                hint="Give each zone its own name, or join them into one.",
            )
        if not _NAME.fullmatch(name) or len(name) > 32:
            yield Mistake(
                id="E002",
                zone=name,
                message="The name cannot be part of a URL.",
                hint="Use up to 32 lower-case letters, digits and single hyphens, beginning with a letter.",
            )
        elif name in RESERVED or _VERSION.fullmatch(name):
            yield Mistake(
                id="E002",
                zone=name,
                message="The name is reserved.",
                hint=f"Choose another one than {', '.join(sorted(RESERVED))} or a version like v1.",
            )


def _of_words(zone: Zone) -> Iterator[Mistake]:
    for field in ("title", "description"):
        if not str(getattr(zone, field)).strip():
            yield Mistake(
                id="E018", zone=zone.name, message=f"The {field} is empty.", hint=f"Set {field}= in the table."
            )


def _of_versions(zone: Zone) -> Iterator[Mistake]:
    def wrong(message: str, hint: str) -> Mistake:
        return Mistake(id="E004", zone=zone.name, message=message, hint=hint)

    if not zone.versions or not all(isinstance(version, Version) for version in zone.versions):
        yield wrong("It has no versions, or something that is no Version.", 'Set versions=(Version(name="v1"),).')
        return
    names = [version.name for version in zone.versions]
    for name in names:
        if not _VERSION.fullmatch(name):
            yield wrong(f"'{name}' is not a version name.", "Name versions v1, v2, v3 and so on.")
    if len(set(names)) < len(names):
        yield wrong("A version is listed twice.", "List each version once.")
    elif all(map(_VERSION.fullmatch, names)) and names != sorted(names, key=lambda name: int(name[1:])):
        yield wrong("The versions are out of order.", "List them from the oldest to the newest.")
    for version in zone.versions:
        if version.sunset and not version.deprecated:
            yield wrong(f"{version.name} has a sunset but no deprecation date.", "Set deprecated= as well.")
        elif version.sunset and version.deprecated and version.sunset < version.deprecated:
            yield wrong(f"{version.name} ends before it is deprecated.", "Set sunset= to a later day.")


def _of_entry(zone: Zone) -> Iterator[Mistake]:
    for field, kind in (("floor", Floor), ("docs", Docs), ("rates_by", CountBy)):
        if not isinstance(getattr(zone, field), kind):
            yield Mistake(
                id="E013",
                zone=zone.name,
                message=f"{field}={getattr(zone, field)!r} is unknown.",
                hint=f"Use one of {', '.join(f'{kind.__name__}.{item.name}' for item in kind)}.",
            )
    known = authenticator_names()
    for name in zone.authentication:
        if name not in known:
            yield Mistake(
                id="E012",
                zone=zone.name,
                message=f"There is no authenticator named '{name}'.",
                hint=f"Use one of {', '.join(sorted(known)) or 'none (no app registers any)'}, or register it"
                " in an app's ready() with register_authenticator.",
            )
    if zone.floor is not Floor.ANYONE and not zone.authentication:
        yield Mistake(
            id="E013",
            zone=zone.name,
            message=f"Its floor is '{zone.floor}', but it takes no credential, so nobody could enter.",
            hint="Name an authenticator in authentication=, or open it with Floor.ANYONE.",
        )


def _of_rates(zone: Zone) -> Iterator[Mistake]:
    for field in ("rates", "refused_rates"):
        if not getattr(zone, field):
            yield Mistake(
                id="E014",
                zone=zone.name,
                message=f"{field} is empty, so that calls would be unlimited.",
                hint=f'Set {field}=("60/minute",) or the like.',
            )
        for rate in getattr(zone, field):
            try:
                Rate.parse(rate)
            except RateSyntaxError as error:
                yield Mistake(
                    id="E014",
                    zone=zone.name,
                    message=f"{field} holds {rate!r}, which is no rate: {error}",
                    hint='Write a count and a period, as in "60/minute".',
                )


def _of_edges(zone: Zone) -> Iterator[Mistake]:
    for origin in zone.cors.origins:
        parts = urlsplit(origin)
        bare = f"{parts.scheme}://{parts.netloc}"
        if origin != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or origin != bare):
            yield Mistake(
                id="E015",
                zone=zone.name,
                message=f"{origin!r} is no origin.",
                hint="Write scheme and host without a path, as in https://app.example, or *.",
            )
    for name in zone.middleware:
        try:
            import_string(name)
        except ImportError as error:
            yield Mistake(
                id="E016",
                zone=zone.name,
                message=f"The middleware '{name}' cannot be imported: {error}",
                hint="Give the dotted name of a callable (request, call) -> response.",
            )


def _of_slices(zones: Sequence[Zone], slices: Sequence[Slice]) -> Iterator[Mistake]:
    labels = Counter(slice_.label for slice_ in slices)
    for label, count in labels.items():
        if count > 1:
            packages = ", ".join(slice_.package for slice_ in slices if slice_.label == label)
            yield Mistake(
                id="E006",
                slice=label,
                message=f"{count} slices have this label: {packages}.",
                hint="Give each slice its own label in its apps.py.",
            )
    routes: dict[str, Routes] = {}
    for slice_ in slices:
        try:
            found = slice_.routes()
        except Exception as error:  # noqa: BLE001  whatever a slice's module raises is reported, all at once
            yield Mistake(
                id="E007",
                slice=slice_.label,
                message=f"Its urls cannot be imported: {type(error).__name__}: {error}",
                hint=f"Make `import {slice_.package}.urls` work.",
            )
            continue
        if wrong := _wrong_shape(found):
            yield Mistake(
                id="E017",
                slice=slice_.label,
                message=f"`zones` in its urls {wrong}.",
                hint='Export zones = {"<zone>": [path(...), ...]}.',
            )
            continue
        routes[slice_.label] = found
    yield from _of_membership(zones, labels, routes)
    yield from _of_offers(zones, routes)
    for zone in zones:
        if all(isinstance(version, Version) for version in zone.versions):
            for id_, label, message, hint in route_mistakes(zone, routes):
                yield Mistake(id=id_, zone=zone.name, slice=label, message=message, hint=hint)


def _wrong_shape(found: object) -> str:
    if not isinstance(found, dict):
        return f"is {type(found).__name__}, not a dictionary"
    for key, patterns in found.items():
        if not isinstance(key, str) or not isinstance(patterns, list | tuple):
            return f"has {key!r}, which is no name with a list of routes"
        for pattern in patterns:
            if not isinstance(pattern, URLPattern | URLResolver):
                return f"lists {pattern!r} for '{key}', which is no route"
    return ""


def _of_membership(zones: Sequence[Zone], known: Iterable[str], routes: dict[str, Routes]) -> Iterator[Mistake]:
    for zone in zones:
        for label, count in Counter(zone.slices).items():
            if label not in known:
                yield Mistake(
                    id="E005",
                    zone=zone.name,
                    slice=label,
                    message="There is no such slice.",
                    hint="Remove it from the zone table, or make the folder apps/<slice> with an apps.py.",
                )
            elif count > 1:
                yield Mistake(
                    id="E006",
                    zone=zone.name,
                    slice=label,
                    message=f"The zone lists it {count} times.",
                    hint="List it once.",
                )
            elif label in routes and not any(key.partition("/")[0] == zone.name for key in routes[label]):
                yield Mistake(
                    id="E008",
                    zone=zone.name,
                    slice=label,
                    message="The slice has no routes for this zone.",
                    hint=f'Export zones["{zone.name}"] in its urls, or take the slice out of the zone.',
                )


def _of_offers(zones: Sequence[Zone], routes: dict[str, Routes]) -> Iterator[Mistake]:
    by_name = {zone.name: zone for zone in zones}
    for label, offered in routes.items():
        for key in offered:
            name, separator, version = key.partition("/")
            zone = by_name.get(name)
            if zone is None:
                yield Mistake(
                    id="E009",
                    slice=label,
                    message=f"It offers routes to '{key}', but there is no such zone.",
                    hint=f"Use one of {', '.join(by_name)}, or add the zone to the table.",
                )
            elif label not in zone.slices:
                yield Mistake(
                    id="E009",
                    zone=name,
                    slice=label,
                    message="The slice offers routes that the zone does not take.",
                    hint="Add the slice to the zone, or remove the routes from its urls.",
                )
            elif separator and version not in {item.name for item in zone.versions}:
                yield Mistake(
                    id="E020",
                    zone=name,
                    slice=label,
                    message=f"It offers routes for '{version}', which the zone does not have.",
                    hint=f"Use one of {', '.join(item.name for item in zone.versions)}.",
                )
