"""The indexes: `/api/` lists the zones, `/api/<zone>/` its versions, `/api/<zone>/<version>/` its routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.api.openapi.views import Page, html_page, json_response, page, wants_html
from apps.api.zones.endpoints import Endpoint
from apps.api.zones.routes import template
from apps.api.zones.table import Version, Zone, ZoneTable

# Liveness and readiness.
HEALTH = {"alive": "/healthz", "ready": "/readyz"}
_CODE = re.compile(r"`([^`]+)`")


def words_as_html(text: str) -> SafeString:
    """A description as HTML: paragraphs and `code`, everything else escaped."""
    paragraphs = (
        format_html("<p>{}</p>", mark_safe(_CODE.sub(r"<code>\1</code>", escape(paragraph))))  # noqa: S308  escaped
        for paragraph in text.split("\n\n")
    )
    return SafeString("".join(paragraphs))


def describe(zone: Zone) -> dict[str, Any]:
    """A zone for its index and `/api/`."""
    base = f"/api/{zone.name}/"
    return {
        "name": zone.name,
        "title": zone.title,
        "description": zone.description,
        "url": base,
        "floor": zone.floor.value,
        "authentication": list(zone.authentication),
        "rates": list(zone.rates),
        "exposed": zone.exposed,
        "versions": [_version(zone, version) for version in zone.versions],
        "docs": {
            "access": zone.docs.value,
            "swagger": f"{base}schema/",
            "redoc": f"{base}redoc/",
            "yaml": f"{base}schema.yaml",
            "json": f"{base}schema.json",
        },
    }


def _version(zone: Zone, version: Version) -> dict[str, Any]:
    base = f"/api/{zone.name}/{version.name}/"
    return {
        "name": version.name,
        "url": base,
        "schema": f"{base}schema.yaml",
        "deprecated": version.deprecated.isoformat() if version.deprecated else None,
        "sunset": version.sunset.isoformat() if version.sunset else None,
    }


def api_index_view(table: ZoneTable) -> Page:
    """`/api/`: HTML for browsers, JSON for programs."""

    @page
    def view(request: HttpRequest) -> HttpResponse:
        listed = [describe(zone) for zone in table]
        if wants_html(request):
            shown = [zone | {"words": words_as_html(zone["description"])} for zone in listed]
            return html_page(request, "api/index.html", {"zones": shown, "health": HEALTH})
        response = json_response({"zones": listed, "problems": "/api/problems/", "health": HEALTH})
        patch_vary_headers(response, ["Accept"])
        return response

    return view


def zone_index_view(zone: Zone) -> Page:
    """`/api/<zone>/`, behind the guard."""

    def view(request: HttpRequest) -> HttpResponse:
        return json_response(describe(zone))

    return page(view)


def version_index_view(zone: Zone, version: Version, routes: Sequence[Endpoint]) -> Page:
    """`/api/<zone>/<version>/`, behind the guard."""

    def view(request: HttpRequest) -> HttpResponse:
        return json_response(
            {
                "zone": zone.name,
                "version": version.name,
                "deprecated": version.deprecated.isoformat() if version.deprecated else None,
                "sunset": version.sunset.isoformat() if version.sunset else None,
                "schema": f"/api/{zone.name}/{version.name}/schema.yaml",
                "routes": [
                    {"name": route.name, "path": template(route.path), "methods": list(route.methods)}
                    for route in routes
                ],
            }
        )

    return page(view)
