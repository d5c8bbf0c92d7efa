"""The conversation of two members of a room when all is well."""

from __future__ import annotations

import time

from apps.chat.tests.browser import steps
from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import DOWN, ENTER, ESCAPE, TAB, UP
from apps.common.tests.browser.journey import Journey

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


def two_members_meet(journey: Journey) -> None:
    """Both open the lobby, and each sees that the other is online."""
    steps.enter(journey)
    journey.ada.sees("Carol Shaw", ".members")
    online = "return document.querySelectorAll('.members .online').length"
    for browser in journey.both:
        browser.gives(online, 2, "two members online")
        browser.sees("Members · 2 online", ".members")
        inspection.assert_accessible(browser)


def they_talk(journey: Journey) -> None:
    """A message arrives and is announced, typing is shown, read messages are marked, an own message is shown once."""
    ada, carol = journey.both
    steps.write(ada, "Good morning, Carol.")
    carol.sees("Good morning, Carol.")
    carol.sees("Ada Lovelace: Good morning, Carol.", "#announcer")
    ada.sees("Seen by Carol Shaw")
    carol.type("#message", "Morning")
    ada.sees("Carol Shaw is typing", ".typing")
    carol.type("#message", ", Ada." + ENTER)
    ada.sees("Morning, Ada.")
    ada.until(
        lambda: ada.run("return document.querySelector('.typing').textContent") == "", "the end of typing"
    )
    for browser in journey.both:
        assert steps.settle(browser, ["Good morning, Carol.", "Morning, Ada."]) == [
            "Good morning, Carol.",
            "Morning, Ada.",
        ]
        inspection.assert_no_faults(browser)


def text_stays_text(journey: Journey) -> None:
    """Markup in a message is shown as it was written and runs nothing. Web addresses become links."""
    ada, carol = journey.both
    hostile = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    steps.write(ada, hostile)
    carol.sees(hostile)
    steps.write(ada, "see https://example.com/a?b=c. And javascript:alert(1)")
    carol.sees("javascript:alert(1)")
    links = carol.run("return [...document.querySelectorAll('.text a')].map((one) => [one.href, one.rel])")
    assert links == [["https://example.com/a?b=c", "noopener noreferrer nofollow"]], links
    for browser in journey.both:
        assert browser.run("return document.querySelectorAll('.log img, .log script').length") == 0
        assert "owned" not in browser.run("return document.title")
        assert browser.complaints() == []


def own_messages_are_edited_and_deleted(journey: Journey) -> None:
    """ArrowUp edits the last own message, Esc cancels. The other sees edits and deletions, also after a reload."""
    ada, carol = journey.both
    steps.write(ada, "Helo")
    carol.sees("Helo")
    ada.press(UP)
    ada.sees("Editing your message")
    ada.press(ESCAPE)
    assert ada.run("return document.querySelector('#message').value") == ""
    ada.press(UP)
    ada.until(
        lambda: ada.run("return document.querySelector('#message').value") == "Helo", "the message to edit"
    )
    ada.run("const field = document.querySelector('#message'); field.value = ''; field.focus()")
    steps.write(ada, "Hello")
    ada.sees("(edited)")
    steps.write(ada, "Forget this")
    carol.sees("Forget this")
    ada.run("[...document.querySelectorAll('[aria-label=\"Delete this message\"]')].at(-1).click()")
    ada.click(".confirm .danger")
    ada.sees("This message was deleted.")
    carol.go(journey.server.url + "/#/rooms/lobby")
    carol.run("location.reload()")
    carol.sees("This message was deleted.")
    carol.sees("(edited)")
    assert "Forget this" not in steps.texts(carol)
    steps.connected(carol)


def the_keyboard_is_enough(journey: Journey) -> None:
    """Shift+Enter breaks a line, the arrows move between rooms, Enter opens one and the focus follows."""
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
    # At the end the focus passes through the document, which shows none.
    assert all(stop["shown"] for stop in walk if stop["tag"] != "BODY"), walk
    steps.open_room(ada, "lobby")


def pictures_are_taken(journey: Journey) -> None:
    """The pictures of the README, if a folder is given."""
    if journey.pictures is None:
        return
    ada, carol = journey.both
    for browser in journey.both:
        steps.open_room(browser, "engineering")
    steps.write(ada, "The new release is up. Two processes, one room.")
    carol.sees("Two processes, one room.")
    steps.write(carol, "I killed one of them while you were writing that.")
    ada.sees("I killed one of them")
    steps.reply(ada, "I killed one of them", "And?")
    carol.sees("And?")
    steps.write(carol, "Every message, once, in order. Even the ones I wrote while nothing answered.")
    ada.sees("while nothing answered.")
    carol.run(f"return (async () => {{ {_DRAWN} }})()")
    carol.element(".uploads .ready")
    steps.write(carol, "The view from here")
    ada.sees("The view from here")
    steps.write(ada, "Stored, then numbered, then acknowledged. That is all there is to it.")
    carol.sees("That is all there is to it.")
    ada.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=640, y=20)  # off the messages
    time.sleep(2.6)  # until the next keystroke tells that Carol is typing
    for scheme in ("light", "dark"):
        ada.prefer(prefers_color_scheme=scheme)
        carol.type("#message", "Now ")
        ada.sees("is typing", ".typing")
        ada.picture(journey.pictures / f"console-{scheme}.png")
        time.sleep(2.6)
    carol.run("document.querySelector('#message').value = ''")
    ada.prefer(prefers_color_scheme="light")
    for browser in journey.both:
        steps.open_room(browser, "lobby")
