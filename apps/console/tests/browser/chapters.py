"""The console's frame: Home, accessibility, colors, and what remains of it when parts are missing."""

from __future__ import annotations

from typing import Final

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import TAB
from apps.common.tests.browser.journey import Chapter, Journey

NEEDS: Final[tuple[str, ...]] = ()
OPERATIONAL: Final = "All systems operational"


def home_shows_status_and_zones(journey: Journey) -> None:
    """A component for each check, a card for each zone, and no complaint of the browser under the strict policy."""
    for browser in journey.both:
        browser.go(journey.server.url + "/")
        browser.sees(OPERATIONAL)
        browser.gives("return document.querySelectorAll('.zone').length", 4, "four zones")
    ada = journey.ada
    parts = ada.run("return [...document.querySelectorAll('.healthy .name')].map((one) => one.textContent)")
    assert {"database", "cache", "broker"} <= set(parts), parts
    paths = ada.run("return [...document.querySelectorAll('.zone .path')].map((one) => one.textContent)")
    assert sorted(paths) == ["/api/admin/", "/api/internal/", "/api/private/", "/api/public/"], paths
    links = ada.run(
        "return [...document.querySelectorAll('.zone-public .docs a')].map((one) => [one.innerText, one.href])"
    )
    assert [text for text, _ in links] == ["Swagger UI", "ReDoc", "OpenAPI"], links
    for _, link in links:
        assert ada.run("return fetch(arguments[0]).then((answer) => answer.status)", link) == 200, link
    assert ada.complaints() == []


def the_accessibility_check_finds_faults(journey: Journey) -> None:
    """Faults that are put into the page are found."""
    ada = journey.ada
    ada.run(
        """
        const planted = document.createElement("div");
        planted.id = "planted";
        planted.append(Object.assign(document.createElement("p"), {textContent: "pale"}), document.createElement("input"), document.createElement("button"));
        planted.firstChild.style.color = getComputedStyle(document.body).getPropertyValue("--line") || "#ddd";
        document.querySelector("main").append(planted);
        """
    )
    faults = inspection.accessibility_faults(ada)
    ada.run("document.getElementById('planted').remove()")
    assert sum(fault.startswith("no name") for fault in faults) == 2, faults
    assert any(fault.startswith("contrast") for fault in faults), faults


def home_is_accessible(journey: Journey) -> None:
    """No fault in any size and color; the focus is visible everywhere; the first stop skips to the content."""
    ada = journey.ada
    inspection.assert_accessible(ada)
    ada.prefer(prefers_color_scheme="light", prefers_reduced_motion="reduce")
    assert ada.run("return getComputedStyle(document.querySelector('.figure')).transitionProperty") == "none"
    ada.prefer(prefers_color_scheme="light")
    ada.go("about:blank")  # a new page, whose focus is at its beginning
    ada.go(journey.server.url + "/")
    ada.sees(OPERATIONAL)
    walk = inspection.focus_walk(ada, TAB, 12)
    assert walk[0]["name"] == "Skip to the content", walk[0]
    assert all(stop["shown"] and stop["inView"] for stop in walk), walk


def colors_are_chosen(journey: Journey) -> None:
    """The switch overrides the system's setting and lasts over a reload."""
    ada = journey.ada
    scheme = "return getComputedStyle(document.documentElement).colorScheme"
    ada.click("#theme")
    assert ada.run(scheme) == "dark"
    ada.run("location.reload()")
    assert ada.run(scheme) == "dark"
    ada.sees(OPERATIONAL)
    inspection.assert_no_faults(ada)
    ada.click("#theme")
    assert ada.run(scheme) == "light"


def mail_is_shown(journey: Journey) -> None:
    """The mails of the development server have a page of the same look."""
    ada = journey.ada
    ada.go(journey.server.url + "/")
    ada.run("[...document.querySelectorAll('.top nav a')].find((one) => one.innerText === 'Mail').click()")
    ada.sees("None has left this machine.")
    inspection.assert_accessible(ada)
    ada.click(".top nav a")
    ada.sees(OPERATIONAL)
    assert ada.complaints() == []


def home_needs_no_slice(journey: Journey) -> None:
    """Without the modules of slices Home shows status and zones, at addresses of missing pages as well."""
    ada = journey.ada
    ada.devtools("Network.enable")
    ada.devtools("Network.setBlockedURLs", urls=["*/console/index*.js"])
    for address in ("/", "/#/missing/page", "/#verify-email=nothing", "/#%E0%A4%A"):
        ada.go("about:blank")
        ada.go(journey.server.url + address)
        ada.sees(OPERATIONAL)
        ada.gives("return document.querySelectorAll('.zone').length", 4, "four zones")
        assert ada.run("return document.querySelectorAll('.aside, .top nav li').length") == 2
    inspection.assert_accessible(ada)
    ada.devtools("Network.setBlockedURLs", urls=[])
    ada.complaints()


def the_status_follows_the_server(journey: Journey) -> None:
    """Home shows that the server does not respond, and that it responds again."""
    ada = journey.ada
    ada.go(journey.server.url + "/")
    ada.sees(OPERATIONAL)
    journey.server.kill()
    ada.run("document.dispatchEvent(new Event('visibilitychange'))")
    ada.sees("No response")
    ada.sees("unknown", ".parts")
    inspection.assert_no_faults(ada)
    journey.server.start()
    ada.sees(OPERATIONAL, patience=30)
    ada.complaints()


CHAPTERS: Final[tuple[Chapter, ...]] = (
    home_shows_status_and_zones,
    the_accessibility_check_finds_faults,
    home_is_accessible,
    colors_are_chosen,
    mail_is_shown,
    home_needs_no_slice,
    the_status_follows_the_server,
)
