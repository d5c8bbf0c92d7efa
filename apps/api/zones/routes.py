"""Finds the slices and the routes that they offer to zones. `validation` judges them.

A slice offers routes in its `urls.py`::

    zones = {
        "private": [path("me/", views.Me.as_view(), name="me")],  # every version of the zone
        "private/v2": [path("me/", views.MeV2.as_view(), name="me")],  # this version only, instead of the same path or name
    }
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

from apps.common.slices import Slice

Pattern = URLPattern | URLResolver
Routes = Mapping[str, Sequence[Pattern]]

_CONVERTER = re.compile(r"<(?:([a-zA-Z_]\w*):)?\w+>")
_PARAMETER = re.compile(r"<(?:[a-zA-Z_]\w*:)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\]|\([^()]*\))*\)")
_NAMED_GROUP = re.compile(r"\(\?P<\w+>")
_MOVING = re.compile(r"[<(\\\[*+?|]")


def routes_of(slice_: Slice) -> Routes:
    """Returns `zones` of the slice's `urls.py`; empty without one. Import errors inside it are not caught."""
    routes: Routes = getattr(slice_.module("urls"), "zones", {})
    return routes


@dataclass(frozen=True, slots=True)
class Leaf:
    """One endpoint of a tree of patterns: its route, the shape that two equal routes share, and its pattern."""

    route: str
    shape: str
    pattern: URLPattern

    @property
    def is_static(self) -> bool:
        """True when the route is one fixed path."""
        return _MOVING.search(self.route) is None


@lru_cache(maxsize=1024)
def _route(route: str, name: str) -> RoutePattern:
    return RoutePattern(route, name=name, is_endpoint=True)


def at(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    """Django's `path()` for the router's own pages, which are the same in each zone: the route is parsed once."""
    return URLPattern(_route(route, name), view, None, name)


def leaves(patterns: Iterable[Pattern], prefix: str = "") -> Iterator[Leaf]:
    """Every endpoint below `patterns`, in the order of URL resolution."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from leaves(pattern.url_patterns, route)
        else:
            yield Leaf(plain(route), shape(route), pattern)


@lru_cache(maxsize=4096)
def plain(route: str) -> str:
    """A route without the anchors of regular expressions."""
    return route.replace("^", "").removesuffix("$").removesuffix("\\Z")


@lru_cache(maxsize=4096)
def shape(route: str) -> str:
    """A route without the names of its parameters, so that `<uuid:id>` and `<uuid:pk>` are one."""
    return _NAMED_GROUP.sub("(", _CONVERTER.sub(lambda found: f"<{found[1] or 'str'}>", plain(route)))


def template(route: str) -> str:
    """A route for display: `users/<uuid:id>/` and `users/(?P<id>[^/]+)/` are `users/{id}/`."""
    return _PARAMETER.sub(r"{\1}", _GROUP.sub(r"{\1}", plain(route)))


def rebuild(
    patterns: Iterable[Pattern],
    *,
    view: Callable[[Leaf], Callable[..., Any]],
    keep: Callable[[Leaf], bool] = lambda _: True,
    prefix: str = "",
) -> list[Pattern]:
    """A copy of the tree with every callback replaced by `view(leaf)`, without the leaves that `keep` refuses."""
    built: list[Pattern] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = rebuild(pattern.url_patterns, view=view, keep=keep, prefix=route)
            if inner:
                built.append(
                    URLResolver(
                        pattern.pattern,
                        inner,
                        pattern.default_kwargs,
                        app_name=pattern.app_name,
                        namespace=pattern.namespace,
                    )
                )
            continue
        leaf = Leaf(plain(route), shape(route), pattern)
        if keep(leaf):
            built.append(URLPattern(pattern.pattern, view(leaf), pattern.default_args, pattern.name))
    return built


def for_version(routes: Routes, zone: str, version: str) -> list[Pattern]:
    """The patterns of one version: its overlay, then what all versions share and the overlay does not replace."""
    overlay = list(routes.get(f"{zone}/{version}", ()))
    if not overlay:
        return list(routes.get(zone, ()))
    shapes = {leaf.shape for leaf in leaves(overlay)}
    names = {leaf.pattern.name for leaf in leaves(overlay)} - {None}
    shared = rebuild(
        routes.get(zone, ()),
        view=lambda leaf: leaf.pattern.callback,
        keep=lambda leaf: leaf.shape not in shapes and leaf.pattern.name not in names,
    )
    return [*overlay, *shared]
