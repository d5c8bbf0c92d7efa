"""Turns the zone table into URL patterns. A table with a mistake is not mounted at all.

Layout below `/api/`: the index, `problems/`, then for each zone its documentation and, for each version, the slices'
routes, each behind the guard. The guard also answers unknown routes of a zone, so that a caller who may not enter cannot
tell which routes exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import ResolverMatch, URLPattern, URLResolver, path
from django.urls.resolvers import RegexPattern, RoutePattern

from apps.api.openapi import asyncapi, views
from apps.api.openapi.asyncapi import SocketDocument
from apps.api.openapi.documents import Document
from apps.api.zones import indexes
from apps.api.zones import table as zones
from apps.api.zones.endpoints import NAMESPACE, Endpoint, endpoints
from apps.api.zones.guard import Guard
from apps.api.zones.routes import Pattern, Routes, at, for_version, leaves, rebuild, routes_of
from apps.api.zones.table import Version, Zone, ZoneTable
from apps.api.zones.validation import Mistake, find_mistakes
from apps.common import slices
from apps.common.slices import Slice

_NOTHING = RoutePattern("")
_ANYTHING = RegexPattern(r"^.*$", name="nothing", is_endpoint=True)


@dataclass(frozen=True, slots=True)
class Mounted:
    """A mounted table: its URL patterns, and the document and endpoints of each version of each zone."""

    table: ZoneTable
    patterns: tuple[Pattern, ...]
    documents: tuple[Document, ...]
    endpoints: tuple[Endpoint, ...]
    socket_documents: tuple[SocketDocument, ...] = ()

    def document(self, zone: str, version: str) -> Document:
        """Raises KeyError."""
        for document in self.documents:
            if (document.zone.name, document.version.name) == (zone, version):
                return document
        raise KeyError(f"There is no {zone}/{version}.")


@lru_cache(maxsize=1)
def mounted() -> Mounted:
    """The installed table over the installed slices, mounted once. Raises ImproperlyConfigured."""
    return mount(zones.table(), slices.installed())


def api_urlpatterns() -> list[Pattern]:
    """The patterns that `config/urls.py` includes at `api/`. Raises ImproperlyConfigured with every mistake of the table."""
    return list(mounted().patterns)


def mount(table: ZoneTable, found: Sequence[Slice]) -> Mounted:
    """Mount a table over these slices. Raises ImproperlyConfigured with every mistake of both."""
    if mistakes := find_mistakes(table.zones, found):
        raise ImproperlyConfigured(report(mistakes))
    routes = {slice_.label: routes_of(slice_) for slice_ in found}
    patterns: list[Pattern] = [
        path("", indexes.api_index_view(table), name="index"),
        path("problems/", views.problems_view(), name="problems"),
    ]
    documents: list[Document] = []
    listed: list[Endpoint] = []
    of_sockets: list[SocketDocument] = []
    for zone in table:
        inside: list[Pattern] = []
        pages = views.DocsGuard(zone)
        for version in zone.versions:
            guard = Guard(zone, version)
            own = slice_patterns(zone, version, guard, routes)
            document = Document(zone, version, own)
            documents.append(document)
            mine = sorted(endpoints(zone, version, own), key=lambda endpoint: endpoint.path)
            listed += mine
            schema = views.schema_patterns(pages, document)
            index = at("", guard.protect(indexes.version_index_view(zone, version, mine)), name="index")
            rest = _rest(guard)
            inside.append(_below(version.name, [*own, *schema, index, rest]))
        # The newest version's pages are the zone's own as well.
        inside += [*views.docs_patterns(pages, document), *schema]
        mine_of_sockets = asyncapi.documents(zone, found)
        of_sockets += mine_of_sockets
        inside += views.socket_patterns(pages, mine_of_sockets)
        inside += [at("", guard.protect(indexes.zone_index_view(zone)), name="index"), rest]
        patterns.append(_below(zone.name, inside))
    # All below one namespace: a zone may be called like another app's, and the zone admin is.
    tree = FastResolver(
        RoutePattern("", is_endpoint=False), patterns, app_name=NAMESPACE, namespace=NAMESPACE
    )
    return Mounted(table, (tree,), tuple(documents), tuple(listed), tuple(of_sockets))


def key_scopes(mounted: Mounted) -> list[str]:
    """The possible scopes of service keys: the names of the routes that take one."""
    return sorted({item.name for item in mounted.endpoints if "service" in item.authentication})


def report(mistakes: Sequence[Mistake]) -> str:
    """Mistakes as text, each followed by its remedy."""
    lines = [
        f"The zone table has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}; nothing is mounted."
    ]
    for mistake in mistakes:
        lines += [f"  api.{mistake.id} {mistake}", f"      {mistake.hint}"]
    return "\n".join(lines)


def slice_patterns(zone: Zone, version: Version, guard: Guard, routes: Mapping[str, Routes]) -> list[Pattern]:
    """The routes of one version behind its guard, in a namespace for each slice."""
    patterns: list[Pattern] = []
    for label in zone.slices:
        mine = rebuild(
            for_version(routes[label], zone.name, version.name),
            view=lambda leaf: guard.protect(leaf.pattern.callback),
        )
        patterns.append(URLResolver(_NOTHING, mine, app_name=label, namespace=label))
    return patterns


def _below(name: str, inside: list[Pattern]) -> URLResolver:
    return URLResolver(RoutePattern(f"{name}/"), inside, app_name="api", namespace=name)


def _rest(guard: Guard) -> URLPattern:
    return URLPattern(_ANYTHING, guard.protect(_nothing_here), None, "nothing")


def _nothing_here(request: HttpRequest) -> HttpResponseBase:
    raise Http404


class FastResolver(URLResolver):
    """Resolves fixed paths from a dictionary, and everything else pattern by pattern.

    The first call of a fixed path is resolved as usual and remembered, so order and overlays are respected.
    """

    def __init__(self, pattern: Any, urlconf_name: list[Pattern], **names: Any) -> None:
        super().__init__(pattern, urlconf_name, **names)
        self._known: dict[str, ResolverMatch] = {}

    @cached_property
    def _fixed(self) -> frozenset[str]:
        return frozenset(leaf.route for leaf in leaves(self.url_patterns) if leaf.is_static)

    def resolve(self, path: str) -> ResolverMatch:
        """As URLResolver does. Raises Resolver404."""
        match = self._known.get(path)
        if match is None:
            match = super().resolve(path)
            if path in self._fixed:
                self._known[path] = match
        return match
