"""The pages of the API: its index, the catalog of problems, Swagger UI and ReDoc of every zone. No policy is violated."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import Browser
from apps.common.tests.browser.journey import Chapter, Journey
from infrastructure.product import PRODUCT

NEEDS: Final[tuple[str, ...]] = ()
PASSWORD: Final = "demo-password-2026"  # of the demo accounts
ZONES: Final = ("public", "private", "internal", "admin")
# Violations are events of the page, whether or not the browser logs them.
_LISTEN: Final = (
    "window.violated = []; document.addEventListener('securitypolicyviolation',"
    " (event) => window.violated.push(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))"
)
_FOREIGN: Final = (
    "return performance.getEntriesByType('resource').map((one) => one.name)"
    ".filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:') && !name.startsWith('blob:'))"
)
_SHOWN: Final = {
    "schema/": "return document.querySelectorAll('#swagger .opblock').length",
    "redoc/": "return document.querySelectorAll('#redoc [data-section-id*=\"operation/\"]').length",
}


def _operations(browser: Browser, zone: str) -> int:
    """Returns the number of operations in a zone's schema, read with the browser's session."""
    text = browser.run(
        "return fetch(arguments[0]).then((answer) => answer.text())", f"/api/{zone}/schema.json"
    )
    paths: dict[str, dict[str, Any]] = json.loads(text)["paths"]
    return sum(len(item) for item in paths.values())


def _assert_clean(browser: Browser) -> None:
    """Assert that nothing was refused, logged or loaded from another site."""
    assert browser.run("return window.violated") == []
    assert browser.run(_FOREIGN) == []
    complaints = browser.complaints()
    assert complaints == [], complaints


def indexes_are_shown(journey: Journey) -> None:
    """The index of zones and the catalog of problems are shown and accessible. The index links to every zone's page."""
    ada = journey.ada
    ada.devtools("Page.addScriptToEvaluateOnNewDocument", source=_LISTEN)
    for path, heading in (("/api/problems/", "Problems"), ("/api/", f"{PRODUCT.name} API")):
        ada.go(journey.server.url + path)
        assert heading in ada.run("return document.querySelector('h1').textContent"), path
        for scheme in ("light", "dark"):
            ada.prefer(prefers_color_scheme=scheme)
            # These pages have no header and no link that skips one.
            faults = [
                fault for fault in inspection.accessibility_faults(ada) if not fault.endswith("expected")
            ]
            assert faults == [], (path, scheme, faults)
        ada.prefer(prefers_color_scheme="light")
        _assert_clean(ada)
    links = ada.run("return [...document.querySelectorAll('main a')].map((one) => one.getAttribute('href'))")
    assert {f"/api/{zone}/schema/" for zone in ZONES} < set(links)


def guarded_documentation_asks_for_sign_in(journey: Journey) -> None:
    """A page of a guarded zone sends a browser to the sign-in form of the admin site, and back."""
    ada = journey.ada
    ada.go(f"{journey.server.url}/api/admin/schema/")
    assert "/admin/login/" in ada.run("return location.href")
    ada.type("#id_username", "ada@example.com")
    ada.type("#id_password", PASSWORD)
    assert ada.complaints() == []
    ada.click("[type=submit]")
    ada.until(lambda: ada.run("return location.pathname") == "/api/admin/schema/", "the page asked for")
    ada.until(lambda: ada.run(_SHOWN["schema/"]), "its operations")
    ada.complaints()


def documentation_shows_every_operation(journey: Journey) -> None:
    """Swagger UI and ReDoc of every zone show all operations of its schema."""
    ada = journey.ada
    for zone in ZONES:
        expected = _operations(ada, zone)
        for page, script in _SHOWN.items():
            ada.go(f"{journey.server.url}/api/{zone}/{page}")
            ada.until(lambda: ada.run(script) >= expected, f"{expected} operations", patience=30)  # noqa: B023
            time.sleep(0.3)  # for what is loaded after all is shown
            _assert_clean(ada)
    ada.devtools("Network.clearBrowserCookies")


CHAPTERS: Final[tuple[Chapter, ...]] = (
    indexes_are_shown,
    guarded_documentation_asks_for_sign_in,
    documentation_shows_every_operation,
)
