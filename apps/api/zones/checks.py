"""System checks: mistakes in the zone table, routes below /api/ outside of every zone, codes with two meanings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

from apps.api.openapi import error_codes
from apps.api.zones import table as zones
from apps.api.zones.routes import leaves
from apps.api.zones.validation import Mistake, find_mistakes
from apps.common import slices


def register() -> None:
    checks.register(check_zones, "zones")
    checks.register(check_codes, "zones")
    checks.register(check_ownership, checks.Tags.urls)


def check_zones(app_configs: object, **_: Any) -> list[checks.CheckMessage]:
    """Every mistake in the table and in what slices offer."""
    return [_as_error(mistake) for mistake in table_mistakes()]


def table_mistakes() -> list[Mistake]:
    """Every mistake in the installed table; one that cannot be loaded counts as one."""
    try:
        table = zones.table()
    except Exception as error:  # noqa: BLE001  the table's module may raise anything
        return [
            Mistake(
                id="E001",
                message=f"The zone table {settings.ZONES} cannot be loaded: {type(error).__name__}: {error}",
                hint="Make settings.ZONES the dotted name of a tuple of Zone values.",
            )
        ]
    return find_mistakes(table.zones, slices.installed())


def check_codes(app_configs: object, **_: Any) -> list[checks.CheckMessage]:
    """Each error code has one status."""
    return [
        checks.Error(
            f"The code '{code}' has more than one status: {', '.join(map(str, statuses))}.",
            hint="Give one of the failures another code.",
            id="api.E022",
        )
        for code, statuses in error_codes.clashes()
    ]


def check_ownership(app_configs: object, **_: Any) -> list[checks.CheckMessage]:
    """Every route below /api/ belongs to a zone. Another check reports a table that is not mounted."""
    try:
        found = list(unowned())
    except ImproperlyConfigured:
        return []
    return [
        checks.Error(
            f"The route '{route}' is below /api/ and belongs to no zone.",
            hint="Offer it to a zone in its slice's urls, or mount it elsewhere.",
            id="api.E019",
        )
        for route in found
    ]


def unowned() -> Iterable[str]:
    """The routes below /api/ that were mounted outside of the zones."""
    for leaf in leaves(get_resolver().url_patterns):
        callback = leaf.pattern.callback
        if (
            leaf.route.startswith("api/")
            and not hasattr(callback, "guard")
            and not hasattr(callback, "api_page")
        ):
            yield leaf.route


def _as_error(mistake: Mistake) -> checks.Error:
    return checks.Error(str(mistake), hint=mistake.hint, id=f"api.{mistake.id}")
