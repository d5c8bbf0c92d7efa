"""The index, the catalogue, Swagger UI and ReDoc of every zone in headless Chromium: shown, and no policy violated.

    python -m apps.api.tests.browser.pages

The guarded zones are read with the admin site's session, as a person reads them. Brings its own servers.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from apps.common.tests.browser import inspection, stack
from apps.common.tests.browser.driver import Browser, BrowserError, browsers

PASSWORD: Final = "sarsen-demo-2026"  # of the demo accounts
ZONES: Final = ("public", "private", "internal", "admin")
# Violations are told to the page as events, whether the browser writes a line about them or not.
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


def operations(server: stack.Stack, zone: str, browser: Browser) -> int:
    """How many the zone's schema has, as the browser's own session reads it."""
    text = browser.run(
        "return fetch(arguments[0]).then((answer) => answer.text())", f"/api/{zone}/schema.json"
    )
    paths: dict[str, dict[str, Any]] = json.loads(text)["paths"]
    return sum(len(item) for item in paths.values())


def is_clean(browser: Browser) -> None:
    """Nothing was refused, complained about or fetched from elsewhere."""
    assert browser.run("return window.violated") == []
    assert browser.run(_FOREIGN) == []
    complaints = browser.complaints()
    assert complaints == [], complaints


def sign_in(browser: Browser, url: str) -> None:
    """By the admin site's form, to which a guarded page sends a browser that nobody is signed in at."""
    browser.go(f"{url}/api/admin/schema/")
    assert "/admin/login/" in browser.run("return location.href")
    browser.type("#id_username", "ada@example.com")
    browser.type("#id_password", PASSWORD)
    browser.click("[type=submit]")
    browser.until(
        lambda: browser.run("return location.pathname") == "/api/admin/schema/", "the page asked for"
    )
    browser.until(lambda: browser.run(_SHOWN["schema/"]), "its operations")
    browser.complaints()


def visit(browser: Browser, server: stack.Stack) -> None:
    """Every page. Raises AssertionError, BrowserError."""
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=_LISTEN)
    for path, heading in (("/api/", "Sarsen API"), ("/api/problems/", "Problems")):
        browser.go(server.url + path)
        assert heading in browser.run("return document.querySelector('h1').textContent"), path
        for scheme in ("light", "dark"):
            browser.prefer(prefers_color_scheme=scheme)
            # A header and a link past it are the console's.
            faults = [
                fault for fault in inspection.accessibility_faults(browser) if not fault.endswith("expected")
            ]
            assert faults == [], (path, scheme, faults)
        is_clean(browser)
        say(path)
    browser.go(server.url + "/api/")
    links = browser.run(
        "return [...document.querySelectorAll('main a')].map((one) => one.getAttribute('href'))"
    )
    assert {f"/api/{zone}/schema/" for zone in ZONES} < set(links)
    sign_in(browser, server.url)
    for zone in ZONES:
        expected = operations(server, zone, browser)
        for page, script in _SHOWN.items():
            browser.go(f"{server.url}/api/{zone}/{page}")
            browser.until(lambda: browser.run(script) >= expected, f"{expected} operations", patience=30)  # noqa: B023
            time.sleep(0.3)  # for what is fetched once all is shown
            is_clean(browser)
            say(f"/api/{zone}/{page} shows {expected} operations")


def say(line: str) -> None:
    sys.stdout.write(f"ok  {line}\n")
    sys.stdout.flush()


def main() -> int:
    """0 when everything held."""
    with tempfile.TemporaryDirectory(prefix="api-pages-") as folder:
        try:
            with browsers(1) as (browser,), stack.running(Path(folder), access_seconds=600) as server:
                try:
                    visit(browser, server)
                except (AssertionError, BrowserError) as error:
                    browser.picture(Path(tempfile.gettempdir()) / "api-pages.png")
                    sys.stdout.write(f"BROKEN  {error}\n  {browser.run('return location.href')}\n")
                    return 1
        except BrowserError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
