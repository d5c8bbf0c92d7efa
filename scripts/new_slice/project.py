"""What a project has: slices, models, tables, routes and zones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CLASS: Final = re.compile(r"^ *class (\w+)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone for users: the path of its newest version, and whether only admins may enter."""

    path: str
    is_for_admins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is taken, each with its owner.

    Attributes:
        folders: Folders of `apps/`.
        labels: Labels of installed apps, with their packages.
        classes: Classes of slices, whose names appear in the API's documents.
        tables: Tables of the database.
        paths: First parts of routes, in every zone.
        zones: Zones that users enter.
        kept: Removed slices whose tables were kept.
    """

    folders: frozenset[str]
    labels: Mapping[str, str]
    classes: Mapping[str, str]
    tables: Mapping[str, str]
    paths: frozenset[str]
    zones: Mapping[str, Zone]
    kept: frozenset[str] = frozenset()


def read(root: Path) -> Project:
    """The project in this folder. Django's settings have to be chosen already."""
    import django

    django.setup()
    from django.apps import apps

    from apps.api.zones import routes
    from apps.api.zones.table import Floor, table
    from apps.common import slices

    found: dict[str, str] = {}
    for path in sorted((root / "apps").rglob("*.py")):
        relative = path.relative_to(root)
        if not {"tests", "migrations"} & set(relative.parts):
            for name in _CLASS.findall(path.read_text(encoding="utf-8")):
                found.setdefault(name, str(relative))
    leaves = [
        leaf
        for slice_ in slices.installed()
        for patterns in routes.routes_of(slice_).values()
        for leaf in routes.leaves(patterns)
    ]
    return Project(
        folders=frozenset(path.name for path in (root / "apps").iterdir() if path.is_dir()),
        labels={app.label: app.name for app in apps.get_app_configs()},
        classes=found,
        tables={
            model._meta.db_table: model._meta.label for model in apps.get_models(include_auto_created=True)
        },
        paths=frozenset(leaf.route.partition("/")[0] for leaf in leaves),
        zones={
            zone.name: Zone(
                path=f"/api/{zone.name}/{zone.newest.name}/", is_for_admins=zone.floor is Floor.ADMIN
            )
            for zone in table()
            if zone.floor in (Floor.USER, Floor.ADMIN)
        },
        kept=frozenset(path.stem for path in (root / "apps" / "removed" / "tables").glob("[a-z]*.py")),
    )
