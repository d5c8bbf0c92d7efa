"""Checks of the current page: accessibility, overflow, the order of the focus."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from apps.common.tests.browser.driver import Browser

_ACCESSIBILITY: Final = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")


def accessibility_faults(browser: Browser) -> list[str]:
    """Returns a sentence for each accessibility fault of the current page."""
    return list(browser.run(_ACCESSIBILITY))


def assert_no_faults(browser: Browser) -> None:
    """Assert that the current page has no accessibility fault."""
    faults = accessibility_faults(browser)
    assert faults == [], faults


def fits(browser: Browser, width: int) -> bool:
    """Whether nothing overflows horizontally. The width is an argument, because `innerWidth` grows with the overflow."""
    script = (
        "return document.documentElement.scrollWidth <= arguments[0]"
        " && [...document.querySelectorAll('.log')].every((log) => log.scrollWidth <= log.clientWidth)"
    )
    return bool(browser.run(script, width))


def focus_walk(browser: Browser, key: str, count: int) -> list[dict[str, Any]]:
    """Press a key `count` times. Returns where the focus was after each press, and whether it was visible."""
    script = """
      const at = document.activeElement, style = getComputedStyle(at), place = at.getBoundingClientRect();
      return {tag: at.tagName, name: (at.getAttribute("aria-label") ?? at.textContent).trim().slice(0, 30), id: at.id,
              shown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1, inView: place.bottom > 0 && place.top < innerHeight};
    """
    walk = []
    for _ in range(count):
        browser.press(key)
        walk.append(browser.run(script))
    return walk


def is_visible(browser: Browser, selector: str) -> bool:
    """Whether an element is visible."""
    return bool(
        browser.run("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector)
    )


def assert_accessible(browser: Browser) -> None:
    """Assert that the page has no accessibility fault in light and dark colors, wide and narrow."""
    for scheme in ("light", "dark"):
        browser.prefer(prefers_color_scheme=scheme)
        for width, phone in ((360, True), (1280, False)):
            browser.resize(width, 800, phone=phone)
            assert_no_faults(browser)
            assert fits(browser, width), (scheme, width)
    browser.prefer(prefers_color_scheme="light")


def assert_refused(browser: Browser, *statuses: str) -> None:
    """Assert that the browser has logged answers with these statuses and nothing else."""
    complaints = browser.complaints()
    assert len(complaints) == len(statuses), complaints
    for complaint, status in zip(complaints, statuses, strict=True):
        assert f"status of {status}" in complaint, complaints
