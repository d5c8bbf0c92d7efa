"""`zones audit`: lists every route with who may call it, and proves it: calls each guarded one anonymously.

The calls go straight to the mounted callbacks. A guard refuses before it reaches the view, so nothing happens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest
from django.test import RequestFactory

from apps.api.commands.listing import as_data, who
from apps.api.commands.report import Report
from apps.api.zones import checks
from apps.api.zones.endpoints import Endpoint
from apps.api.zones.mounting import Mounted
from apps.api.zones.routes import leaves, template
from apps.api.zones.table import Docs, Floor, Zone

OPEN_ZONE = "public"
# The index of zones and the catalogue of problems: public, without details of any zone.
ROUTERS_OWN = frozenset({"", "problems/"})
# Statuses of refused calls, 429 included.
_REFUSED = frozenset({401, 403, 429})
_NO_ADDRESS = "nobody"  # calls without an address count against no client


def audit(mounted: Mounted, progress: Callable[[str], None]) -> Report:
    """Fails when a route outside of `public` answers an anonymous caller, belongs to no zone, or shows documentation publicly."""
    findings = [f"{route}: belongs to no zone" for route in checks.unowned()]
    for endpoint in mounted.endpoints:
        if endpoint.zone != OPEN_ZONE:
            progress(endpoint.path)
            findings += _of_endpoint(endpoint)
    findings += _of_documentation(mounted)
    ok = not findings
    open_to_all = sum(endpoint.zone == OPEN_ZONE for endpoint in mounted.endpoints)
    return Report(
        title="Who may call what",
        columns=("path", "methods", "who", "credential"),
        rows=[
            (
                template(endpoint.path),
                " ".join(endpoint.methods),
                who(endpoint),
                " ".join(endpoint.authentication),
            )
            for endpoint in mounted.endpoints
        ],
        findings=findings,
        remarks=[f"{len(mounted.endpoints)} routes, {open_to_all} of them public, {len(findings)} findings"],
        data={"ok": ok, "findings": findings, "routes": as_data(mounted.endpoints)},
        ok=ok,
    )


def _of_endpoint(endpoint: Endpoint) -> Iterator[str]:
    where = template(endpoint.path)
    if getattr(endpoint.callback, "guard", None) is None:
        yield f"{where}: is behind no guard"
    elif endpoint.floor is Floor.ANYONE:
        yield f"{where}: is open to anyone outside of the zone '{OPEN_ZONE}'"
    else:
        for method in endpoint.methods:
            status = _status(endpoint.callback, method)
            if status not in _REFUSED:
                yield f"{method} {where}: answered {status} to an anonymous caller"


def _of_documentation(mounted: Mounted) -> Iterator[str]:
    """Call every mounted page: one with documentation must follow its zone's rule, any other one in a zone a guard."""
    for leaf in leaves(mounted.patterns):
        callback, where = leaf.pattern.callback, f"/api/{leaf.route}"
        zone: Zone | None = getattr(callback, "docs_of", None)
        if zone is None:
            if getattr(callback, "guard", None) is None and leaf.route not in ROUTERS_OWN:
                yield f"{where}: is behind no guard"
            continue
        refused = _status(callback, "GET") in _REFUSED
        if refused is (zone.docs is Docs.OPEN) or not leaf.route.startswith(f"{zone.name}/"):
            word = "refuses" if refused else "shows"
            yield f"{where}: {word} documentation against the zone's rule '{zone.docs}'"


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the log lines of the calls that this command makes."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _status(callback: Callable[..., Any], method: str) -> int:
    request: HttpRequest = RequestFactory(REMOTE_ADDR=_NO_ADDRESS).generic(method, "/")
    try:
        with _quiet():
            status: int = callback(request).status_code
    except Exception:  # noqa: BLE001  it got past the guard and into the view, which is the finding
        return 500
    return status
