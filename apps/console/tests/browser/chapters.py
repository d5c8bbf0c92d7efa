"""What the console promises when all is well, each promise seen in the browser. Run in order by `journey`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import DOWN, ENTER, ESCAPE, TAB, UP, Browser
from apps.console.tests.browser import steps

if TYPE_CHECKING:
    from apps.console.tests.browser.journey import Journey

EMAIL = "carol@example.com"
# Three hills at dusk, as a file that is chosen.
_DRAWN = """
  const canvas = Object.assign(document.createElement("canvas"), {width: 640, height: 240});
  const pen = canvas.getContext("2d");
  const sky = pen.createLinearGradient(0, 0, 0, 240);
  sky.addColorStop(0, "#3d4a66"); sky.addColorStop(0.7, "#d99a6c"); sky.addColorStop(1, "#f3d9a4");
  pen.fillStyle = sky; pen.fillRect(0, 0, 640, 240);
  pen.fillStyle = "#fbe8c4"; pen.beginPath(); pen.arc(330, 170, 34, 0, 7); pen.fill();
  pen.fillStyle = "#2b2d26"; pen.fillRect(0, 205, 640, 35);
  for (const [left, width, height] of [[210, 46, 120], [390, 50, 126], [512, 40, 88]]) pen.fillRect(left, 210 - height, width, height);
  pen.fillRect(196, 68, 258, 26);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const files = new DataTransfer();
  files.items.add(new File([picture], "dusk.png", {type: "image/png"}));
  const chooser = document.querySelector("#message-files");
  chooser.files = files.files;
  chooser.dispatchEvent(new Event("change"));
"""


def both(journey: Journey) -> tuple[Browser, Browser]:
    """The two people."""
    return journey.ada, journey.carol


def the_house_is_shown(journey: Journey) -> None:
    """Stones for the parts, a card for each zone, no complaint of the browser under the strict policy."""
    for browser in both(journey):
        browser.resize(1280, 800)
        browser.prefer(prefers_color_scheme="light")
        browser.go(journey.server.url + "/")
        browser.sees("Everything stands.")
        browser.gives("return document.querySelectorAll('.zone').length", 4, "four zones")
    ada = journey.ada
    parts = ada.run("return [...document.querySelectorAll('.stands .name')].map((one) => one.textContent)")
    assert {"database", "cache", "broker"} <= set(parts), parts
    paths = ada.run("return [...document.querySelectorAll('.zone .path')].map((one) => one.textContent)")
    assert sorted(paths) == ["/api/admin/", "/api/internal/", "/api/private/", "/api/public/"], paths
    links = ada.run("return [...document.querySelectorAll('.zone-public .docs a')].map((one) => one.href)")
    assert len(links) == 3, links
    for link in links:
        assert ada.run("return fetch(arguments[0]).then((answer) => answer.status)", link) == 200, link
    assert ada.complaints() == []


def the_audit_finds_what_is_planted(journey: Journey) -> None:
    """The accessibility check is worth something: faults put into the page are found."""
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


def the_house_is_accessible(journey: Journey) -> None:
    """No fault in light and dark, wide and narrow; the focus is seen everywhere; the first stop skips to the content."""
    ada = journey.ada
    for scheme in ("light", "dark"):
        ada.prefer(prefers_color_scheme=scheme)
        for width, phone in ((1280, False), (360, True)):
            ada.resize(width, 800, phone=phone)
            assert inspection.accessibility_faults(ada) == [], (scheme, width)
    ada.prefer(prefers_color_scheme="light", prefers_reduced_motion="reduce")
    assert (
        ada.run("return getComputedStyle(document.querySelector('.monolith')).transitionProperty") == "none"
    )
    ada.prefer(prefers_color_scheme="light")
    ada.resize(1280, 800)
    ada.go("about:blank")  # a new page, whose focus is at its beginning
    ada.go(journey.server.url + "/")
    ada.sees("Everything stands.")
    walk = inspection.focus_walk(ada, TAB, 12)
    assert walk[0]["name"] == "Skip to the content", walk[0]
    assert all(stop["shown"] and stop["inView"] for stop in walk), walk
    assert [stop["id"] for stop in walk if stop["tag"] == "INPUT"] == ["email", "password"], walk


def mistakes_are_told_beside_the_field(journey: Journey) -> None:
    """A refusal is put beside its field, read out, and what was typed stays."""
    carol = journey.carol
    carol.click(".turn .link")
    carol.type("#name", "Carol")
    carol.type("#email", "ada@example.com")
    carol.type("#password", steps.PASSWORD + ENTER)
    carol.until(
        lambda: carol.run("return [...document.querySelectorAll('.mistake')].some((one) => one.textContent)"),
        "a mistake told",
    )
    assert carol.run("return document.querySelector('#email').value") == "ada@example.com"
    assert inspection.accessibility_faults(carol) == []
    complaints = carol.complaints()
    assert len(complaints) == 1, complaints
    assert "409" in complaints[0], complaints


def two_people_come_in(journey: Journey) -> None:
    """One by a demo account, one by making an account; both reach the lobby and see each other there."""
    ada, carol = both(journey)
    steps.enter_demo(ada, journey.server.url, "ada")
    steps.register(carol, journey.server.url, "Carol Shaw", EMAIL)
    for browser in both(journey):
        steps.open_room(browser, "lobby")
    ada.sees("Carol Shaw", ".people")
    here = "return [...document.querySelectorAll('.people .here .name')].length"
    for browser in both(journey):
        browser.gives(here, 2, "two people here")
    # The address must not carry a token, and nothing that outlives the tab may.
    assert ada.run("return location.search + Object.keys(localStorage).join()") == ""


def they_talk(journey: Journey) -> None:
    """A message arrives, typing is seen, what was read is marked, an own message is shown once."""
    ada, carol = both(journey)
    steps.write(ada, "Good morning, Carol.")
    carol.sees("Good morning, Carol.")
    carol.sees("Ada Lovelace: Good morning, Carol.", "#announcer")
    ada.sees("Seen by Carol Shaw")
    carol.type("#message", "Morning")
    ada.sees("Carol Shaw is writing", ".typing")
    carol.type("#message", ", Ada." + ENTER)
    ada.sees("Morning, Ada.")
    ada.until(
        lambda: ada.run("return document.querySelector('.typing').textContent") == "", "the end of typing"
    )
    for browser in both(journey):
        assert steps.settle(browser, ["Good morning, Carol.", "Morning, Ada."]) == [
            "Good morning, Carol.",
            "Morning, Ada.",
        ]
        assert inspection.accessibility_faults(browser) == []


def text_stays_text(journey: Journey) -> None:
    """Markup in a message or a name is shown as it was written and runs nothing; addresses become links."""
    ada, carol = both(journey)
    hostile = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    steps.write(ada, hostile)
    carol.sees(hostile)
    steps.write(ada, "see https://example.com/a?b=c. And javascript:alert(1)")
    carol.sees("javascript:alert(1)")
    links = carol.run("return [...document.querySelectorAll('.text a')].map((one) => [one.href, one.rel])")
    assert links == [["https://example.com/a?b=c", "noopener noreferrer nofollow"]], links
    for browser in both(journey):
        assert browser.run("return document.querySelectorAll('.log img, .log script').length") == 0
        assert "owned" not in browser.run("return document.title")
        assert browser.complaints() == []


def own_messages_are_changed_and_taken_back(journey: Journey) -> None:
    """ArrowUp takes the last own message up; Esc lets go; a deleted one leaves its place. The other sees it, at the latest after a reload."""
    ada, carol = both(journey)
    steps.write(ada, "Helo")
    carol.sees("Helo")
    ada.press(UP)
    ada.sees("Changing your message")
    ada.press(ESCAPE)
    assert ada.run("return document.querySelector('#message').value") == ""
    ada.press(UP)
    ada.until(
        lambda: ada.run("return document.querySelector('#message').value") == "Helo", "the message to change"
    )
    ada.run("const field = document.querySelector('#message'); field.value = ''; field.focus()")
    steps.write(ada, "Hello")
    ada.sees("(edited)")
    steps.write(ada, "Forget this")
    carol.sees("Forget this")
    ada.run("[...document.querySelectorAll('[aria-label=\"Delete this message\"]')].at(-1).click()")
    ada.click(".ask .danger")
    ada.sees("This message was taken back.")
    carol.go(journey.server.url + "/#/rooms/lobby")
    carol.run("location.reload()")
    carol.sees("This message was taken back.")
    carol.sees("(edited)")
    assert "Forget this" not in steps.texts(carol)
    steps.on_line(carol)


def the_keyboard_is_enough(journey: Journey) -> None:
    """Shift+Enter breaks a line, the arrows walk the rooms, Enter opens one and the focus follows."""
    ada = journey.ada
    ada.run("document.querySelector('#message').focus()")
    ada.type("#message", "one\ue008" + ENTER + "\ue008two" + ENTER)
    ada.until(lambda: "one\ntwo" in steps.texts(ada), "a message of two lines")
    ada.run("document.querySelector('a.room').focus()")
    first = ada.run("return document.activeElement.textContent")
    ada.press(DOWN)
    second = ada.run("return document.activeElement.textContent")
    assert first != second
    ada.press(UP, ENTER)
    ada.until(lambda: ada.run("return document.activeElement.id") == "message", "the focus in the field")
    walk = inspection.focus_walk(ada, TAB, 8)
    # At its end the focus passes through the document itself, which shows none.
    assert all(stop["shown"] for stop in walk if stop["tag"] != "BODY"), walk
    steps.open_room(ada, "lobby")


def pictures_are_taken(journey: Journey) -> None:
    """The two pictures of the README, when a folder for them is named."""
    if journey.pictures is None:
        return
    ada, carol = both(journey)
    for browser in both(journey):
        steps.open_room(browser, "engineering")
    steps.write(ada, "The new release is up. Two processes, one room.")
    carol.sees("Two processes, one room.")
    steps.write(carol, "I killed one of them while you were writing that.")
    ada.sees("I killed one of them")
    steps.answer(ada, "I killed one of them", "And?")
    carol.sees("And?")
    steps.write(carol, "Every message, once, in order. Even the ones I wrote while nothing answered.")
    ada.sees("while nothing answered.")
    carol.run(f"return (async () => {{ {_DRAWN} }})()")
    carol.element(".tray .ready")
    steps.write(carol, "The view from here")
    ada.sees("The view from here")
    steps.write(ada, "Stored, then numbered, then acknowledged. That is all there is to it.")
    carol.sees("That is all there is to it.")
    ada.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=640, y=20)  # off the messages
    time.sleep(2.6)  # so that the next keystroke says that someone writes
    for scheme in ("light", "dark"):
        ada.prefer(prefers_color_scheme=scheme)
        carol.type("#message", "Now ")
        ada.sees("is writing", ".typing")
        ada.picture(journey.pictures / f"console-{scheme}.png")
        time.sleep(2.6)
    carol.run("document.querySelector('#message').value = ''")
    ada.prefer(prefers_color_scheme="light")
    for browser in both(journey):
        steps.open_room(browser, "lobby")
