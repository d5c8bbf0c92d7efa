"""Mistakes in the routes of one zone: duplicates, name clashes, shadowed and reserved routes, missing views, wrong parameters."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern
from django.views import View

from apps.api.zones.routes import Leaf, Pattern, Routes, for_version, leaves, plain, template
from apps.api.zones.table import Zone

Finding = tuple[str, str, str, str]
"""Number, slice, message, hint."""

# The version's own pages, which no route of a slice may shadow.
RESERVED_PATHS = frozenset({"", "schema.yaml", "schema.json"})

_ROOT = RegexPattern(r"^")


def route_mistakes(zone: Zone, routes: Mapping[str, Routes]) -> Iterator[Finding]:
    """Every mistake of every version of the zone; one that several versions share is reported once."""
    reported: set[Finding] = set()
    for version in zone.versions:
        found: list[tuple[str, Leaf]] = []
        tried: list[Pattern] = []
        for label in dict.fromkeys(zone.slices):
            offered = routes.get(label, {})
            for key in (zone.name, f"{zone.name}/{version.name}"):
                mine = list(leaves(offered.get(key, ())))
                yield from _new(reported, _names(label, mine))
                yield from _new(reported, _doubles([(label, leaf) for leaf in mine]))
            patterns = for_version(offered, zone.name, version.name)
            tried += patterns
            found += [(label, leaf) for leaf in leaves(patterns)]
        yield from _new(reported, _doubles(found))
        yield from _new(reported, _targets(found))
        yield from _new(reported, _parameters(found))
        yield from _new(reported, _shadows(tried, found))


def _new(reported: set[Finding], findings: Iterator[Finding]) -> Iterator[Finding]:
    for finding in findings:
        if finding not in reported:
            reported.add(finding)
            yield finding


def _names(label: str, mine: list[Leaf]) -> Iterator[Finding]:
    by_name: dict[Any, list[str]] = defaultdict(list)
    for leaf in mine:
        by_name[leaf.pattern.name].append(leaf.route)
    for name, routes in by_name.items():
        if name is None:
            yield (
                "E011",
                label,
                f"The routes {_listed(routes)} have no name.",
                "Give every route a name=: links, logs and key scopes use it.",
            )
        elif len(routes) > 1:
            yield (
                "E011",
                label,
                f"The name '{name}' is given to {_listed(routes)}.",
                "Give each route its own name=.",
            )


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _doubles(found: list[tuple[str, Leaf]]) -> Iterator[Finding]:
    by_shape: dict[str, list[tuple[str, Leaf]]] = defaultdict(list)
    for label, leaf in found:
        by_shape[leaf.shape].append((label, leaf))
    for same in by_shape.values():
        if len(same) > 1:
            owners = ", ".join(f"{label}:{leaf.pattern.name}" for label, leaf in same)
            yield (
                "E010",
                same[-1][0],
                f"The path '{same[0][1].route}' is mounted {len(same)} times ({owners}); only the first would ever answer.",
                "Change or remove all but one.",
            )


def _targets(found: list[tuple[str, Leaf]]) -> Iterator[Finding]:
    for label, leaf in found:
        if leaf.route in RESERVED_PATHS or leaf.route.startswith("/"):
            yield (
                "E021",
                label,
                f"The path '{leaf.route}' is taken by the router itself, or begins with a slash.",
                "Choose a path below the version, without a leading slash.",
            )
        if isinstance(leaf.pattern.callback, type) and issubclass(leaf.pattern.callback, View):
            yield (
                "E017",
                label,
                f"The path '{leaf.route}' leads to the class {leaf.pattern.callback.__name__}.",
                "Write .as_view() behind it.",
            )


def _parameters(found: list[tuple[str, Leaf]]) -> Iterator[Finding]:
    for label, leaf in found:
        view = getattr(leaf.pattern.callback, "cls", None)
        given = {*re.findall(r"{(\w+)}", template(leaf.route)), *leaf.pattern.default_args}
        for method in getattr(view, "http_method_names", ()):
            operation = getattr(getattr(view, method, None), "operation", None)
            if operation is not None and operation.path != given:
                brought, taken = _listed(sorted(given)), _listed(sorted(operation.path))
                yield (
                    "E024",
                    label,
                    f"'{leaf.route}' brings {brought or 'no parameters'}; '{operation.id}' takes {taken or 'none'}.",
                    "Give the parameters of the path and of the method the same names.",
                )


def _shadows(tried: list[Pattern], found: list[tuple[str, Leaf]]) -> Iterator[Finding]:
    resolver = URLResolver(_ROOT, tried)
    behind_a_pattern = False
    for label, leaf in found:
        if not leaf.is_static:
            behind_a_pattern = True
            continue
        if not behind_a_pattern:
            continue
        try:
            match = resolver.resolve(leaf.route)
        except Resolver404:  # a fixed text that its own expression does not match, like an escaped dot
            continue
        first = plain(match.route)
        if first != leaf.route:
            yield (
                "E010",
                label,
                f"The path '{leaf.route}' is hidden by '{first}', which comes before it.",
                "Move the fixed path to the front, or narrow the other one.",
            )
