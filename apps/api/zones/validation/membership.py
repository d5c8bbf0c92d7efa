"""Mistakes between zones and slices: unknown slices, unoffered routes, failing imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from django.urls import URLPattern, URLResolver

from apps.api.zones.routes import Routes, routes_of
from apps.api.zones.table import Version, Zone
from apps.api.zones.validation.mistake import Mistake
from apps.api.zones.validation.routes import route_mistakes
from apps.common.slices import Slice


def slice_mistakes(zones: Sequence[Zone], slices: Sequence[Slice]) -> Iterator[Mistake]:
    """Every mistake in what the slices offer, by themselves and to the zones."""
    labels = Counter(slice_.label for slice_ in slices)

    def takers(label: str) -> str:
        return ", ".join(zone.name for zone in zones if label in zone.slices)

    for label, count in labels.items():
        if count > 1:
            packages = ", ".join(slice_.package for slice_ in slices if slice_.label == label)
            yield Mistake(
                id="E006",
                zone=takers(label),
                slice=label,
                message=f"{count} slices have this label: {packages}.",
                hint="Give each slice its own label in its apps.py.",
            )
    routes: dict[str, Routes] = {}
    for slice_ in slices:
        try:
            found = routes_of(slice_)
        except Exception as error:  # noqa: BLE001  every error of a slice's module is reported
            yield Mistake(
                id="E007",
                zone=takers(slice_.label),
                slice=slice_.label,
                message=f"Its urls cannot be imported: {type(error).__name__}: {error}",
                hint=f"Make `import {slice_.package}.urls` work.",
            )
            continue
        if wrong := _wrong_shape(found):
            yield Mistake(
                id="E017",
                zone=takers(slice_.label),
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


def _of_membership(
    zones: Sequence[Zone], known: Iterable[str], routes: dict[str, Routes]
) -> Iterator[Mistake]:
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
