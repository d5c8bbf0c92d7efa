"""Every mounted endpoint of every zone as a flat value, for the indexes, the commands and the audit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rest_framework.permissions import AllowAny

from apps.api.zones.routes import Pattern, leaves
from apps.api.zones.table import Floor, Version, Zone

NAMESPACE = "api"
_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")
_IMPLIED = frozenset({"HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route of one version of one zone. `path` has Django's parameters, `methods` lack HEAD and OPTIONS."""

    zone: str
    version: str
    slice: str
    name: str
    path: str
    methods: tuple[str, ...]
    view: str
    authentication: tuple[str, ...]
    floor: Floor
    narrowed_by: tuple[str, ...]
    rates: tuple[str, ...]
    callback: Callable[..., Any]


def endpoints(zone: Zone, version: Version, patterns: Iterable[Pattern]) -> Iterator[Endpoint]:
    """The endpoints of one version, in the order of URL resolution."""
    for group in patterns:
        label = getattr(group, "namespace", None) or ""
        for leaf in leaves([group]):
            callback = leaf.pattern.callback
            yield Endpoint(
                zone=zone.name,
                version=version.name,
                slice=label,
                name=f"{NAMESPACE}:{zone.name}:{version.name}:{label}:{leaf.pattern.name}",
                path=f"/api/{zone.name}/{version.name}/{leaf.route}",
                methods=methods_of(callback),
                view=view_name(callback),
                authentication=zone.authentication,
                floor=zone.floor,
                narrowed_by=_permissions(callback),
                rates=zone.rates,
                callback=callback,
            )


def methods_of(callback: Callable[..., Any]) -> tuple[str, ...]:
    """The methods that a callback answers; a function that does not declare them is assumed to answer all."""
    actions = getattr(callback, "actions", None)
    kwargs = getattr(callback, "initkwargs", None) or getattr(callback, "view_initkwargs", None) or {}
    view_class = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if actions:
        offered = {method.upper() for method in actions}
    elif view_class is not None:
        names = kwargs.get("http_method_names", view_class.http_method_names)
        offered = {name.upper() for name in names if hasattr(view_class, name)}
    else:
        offered = set(_ANY)
    # A class without handlers may answer any method by other means.
    return tuple(sorted(offered - _IMPLIED or _ANY))


def view_name(callback: Callable[..., Any]) -> str:
    """Module and name of the view in the source."""
    callback = getattr(callback, "__wrapped__", callback) if hasattr(callback, "guard") else callback
    view_class = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    written: Any = view_class or callback
    while isinstance(written, functools.partial):
        written = written.func
    if not hasattr(written, "__qualname__"):  # an object that can be called
        written = type(written)
    # DRF's function views are classes that are renamed after the function.
    name = written.__name__ if view_class is not None else written.__qualname__
    return f"{written.__module__}.{name}"


def _permissions(callback: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the permission classes that a DRF view adds to the zone's floor."""
    view_class = getattr(callback, "cls", None)
    if view_class is None:
        return ()
    kwargs = getattr(callback, "initkwargs", {})
    classes = kwargs.get("permission_classes", view_class.permission_classes)
    names = [getattr(item, "__name__", str(item)) for item in classes if item is not AllowAny]
    return tuple(name for name in names if name != "ZoneFloor")
