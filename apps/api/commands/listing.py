"""`zones list`, `zones slices` and `zones urls`: the table, the slices, and all routes."""

from __future__ import annotations

from collections.abc import Sequence

from apps.api.commands.report import Report
from apps.api.zones import indexes
from apps.api.zones.endpoints import Endpoint
from apps.api.zones.mounting import Mounted
from apps.api.zones.routes import template
from apps.common import slices


def list_zones(mounted: Mounted) -> Report:
    """One row for each zone."""
    rows = [
        (
            zone.name,
            " ".join(
                version.name + (" (deprecated)" if version.deprecated else "") for version in zone.versions
            ),
            zone.floor.value,
            " ".join(zone.authentication),
            ", ".join(zone.rates) + f" per {zone.rates_by}",
            zone.docs.value,
            "yes" if zone.exposed else "no",
            " ".join(zone.slices),
        )
        for zone in mounted.table
    ]
    return Report(
        title="Zones",
        columns=("zone", "versions", "floor", "authentication", "rates", "docs", "exposed", "slices"),
        rows=rows,
        data={"zones": [indexes.describe(zone) | {"slices": list(zone.slices)} for zone in mounted.table]},
    )


def list_slices(mounted: Mounted) -> Report:
    """One row for each slice: its zones, and the files that `apps.common.slices` found."""
    rows, data = [], []
    for slice_ in slices.installed():
        zones = [zone.name for zone in mounted.table if slice_.label in zone.slices]
        found = slice_.files()
        rows.append((slice_.label, " ".join(zones), " ".join(found)))
        data.append({"slice": slice_.label, "zones": zones, "files": found})
    about = [f"{name}: {meaning}" for name, meaning in slices.FILES.items()]
    return Report(
        title="Slices",
        columns=("slice", "zones", "files"),
        rows=rows,
        remarks=["A slice brings, by the names of its files:", *about],
        data={"slices": data, "files": dict(slices.FILES)},
    )


def list_urls(mounted: Mounted, zone: str | None = None) -> Report:
    """One row for each route and method. Raises KeyError for an unknown zone."""
    if zone is not None:
        mounted.table.get(zone)
    wanted = [endpoint for endpoint in mounted.endpoints if zone in (None, endpoint.zone)]
    return Report(
        title="Routes",
        columns=("path", "method", "view", "name", "authentication", "floor", "rates"),
        rows=[
            (
                template(endpoint.path),
                method,
                endpoint.view,
                endpoint.name,
                " ".join(endpoint.authentication),
                who(endpoint),
                ", ".join(endpoint.rates),
            )
            for endpoint in wanted
            for method in endpoint.methods
        ],
        data={"routes": as_data(wanted)},
    )


def as_data(endpoints: Sequence[Endpoint]) -> list[dict[str, object]]:
    """The routes for JSON."""
    return [
        {
            "path": template(endpoint.path),
            "methods": list(endpoint.methods),
            "name": endpoint.name,
            "view": endpoint.view,
            "zone": endpoint.zone,
            "version": endpoint.version,
            "slice": endpoint.slice,
            "authentication": list(endpoint.authentication),
            "floor": endpoint.floor.value,
            "narrowed_by": list(endpoint.narrowed_by),
            "rates": list(endpoint.rates),
        }
        for endpoint in endpoints
    ]


def who(endpoint: Endpoint) -> str:
    """The callers that may call a route: the zone's floor, and the view's own permissions."""
    return " + ".join([endpoint.floor.value, *endpoint.narrowed_by])
