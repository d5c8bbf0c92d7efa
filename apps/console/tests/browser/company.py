"""What people do with each other's messages: answer, add files, name somebody, look words up, invite, keep order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import DOWN, ENTER, ESCAPE
from apps.console.tests.browser import steps
from apps.console.tests.browser.chapters import EMAIL, both

if TYPE_CHECKING:
    from apps.console.tests.browser.journey import Journey

# Files as a person would choose them: a picture that is drawn here, and a text.
_CHOOSE: Final = """
  const canvas = Object.assign(document.createElement("canvas"), {width: 320, height: 200});
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#7f9c62"; pen.fillRect(0, 0, 320, 200); pen.fillStyle = "#22241d"; pen.fillRect(40, 60, 60, 140);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const files = new DataTransfer();
  files.items.add(new File([picture], "hill.png", {type: "image/png"}));
  files.items.add(new File(["as above, so below\\n"], "notes.txt", {type: "text/plain"}));
  const chooser = document.querySelector("#message-files");
  chooser.files = files.files;
  chooser.dispatchEvent(new Event("change"));
"""
_VERIFIED: Final = (
    "from django.utils import timezone; from apps.users.models import User; "
    "User.objects.filter(email='{email}').update(email_verified_at={when})"
)
_READY: Final = "return document.querySelectorAll('.tray .ready').length"


def messages_are_answered(journey: Journey) -> None:
    """An answer shows what it answers; Esc lets go of it; a click on what is shown leads to it."""
    ada, carol = both(journey)
    steps.write(ada, "Which hill is the oldest?")
    carol.sees("Which hill is the oldest?")
    steps.press_tool(carol, "Which hill is the oldest?", "Answer this message")
    carol.sees("Answering Ada Lovelace.", ".composer")
    carol.press(ESCAPE)
    assert not carol.run("return document.querySelector('.composer .about').checkVisibility()")
    steps.answer(carol, "Which hill is the oldest?", "The one in the middle.")
    quote = f"return {steps.last('The one in the middle.')}?.querySelector('.quote')?.textContent"
    for browser in both(journey):
        browser.gives(
            quote, "In answer to Ada Lovelace Which hill is the oldest?", "an answer with its question"
        )
    ada.run(f"{steps.last('The one in the middle.')}.querySelector('.quote').click()")
    ada.until(
        lambda: ada.run("return document.activeElement.innerText.includes('Which hill is the oldest?')"),
        "the focus on the question",
    )
    assert inspection.accessibility_faults(ada) == []


def files_go_with_messages(journey: Journey) -> None:
    """A picture is shown to the other, a text is offered; both are fetched with the token, under the strict policy."""
    ada, carol = both(journey)
    for browser in both(journey):
        browser.complaints()
    ada.run(f"return (async () => {{ {_CHOOSE} }})()")
    ada.gives(_READY, 2, "two files ready")
    assert inspection.accessibility_faults(ada) == []
    steps.write(ada, "Two files")
    carol.sees("Two files")
    for browser in both(journey):
        seen = f"const picture = {steps.last('Two files')}?.querySelector('.picture img'); picture?.scrollIntoView(); return picture?.naturalWidth"
        browser.gives(seen, 320, "the picture")
        name = browser.run(f"return {steps.last('Two files')}.querySelector('.file .name').textContent")
        assert name == "notes.txt", name
        assert browser.complaints() == []
    # What would be written to a disk, and under which name.
    saved = carol.run(
        f"""
        return new Promise((done) => {{
          let file;
          const address = URL.createObjectURL;
          URL.createObjectURL = (blob) => {{ file = blob; return address(blob); }};
          HTMLAnchorElement.prototype.click = async function () {{ done([this.download, await file.text()]); }};
          {steps.last("Two files")}.querySelector('.file').click();
        }});
        """
    )
    assert saved == ["notes.txt", "as above, so below\n"], saved
    carol.run("location.reload()")
    steps.on_line(carol)


def a_refused_file_is_told(journey: Journey) -> None:
    """What the server does not take is said beside the file, and the message can go without it."""
    ada = journey.ada
    ada.run(
        """
        const files = new DataTransfer();
        files.items.add(new File(["MZ\\u0000\\u0001\\u0002 not a picture"], "hill.png", {type: "image/png"}));
        const chooser = document.querySelector("#message-files");
        chooser.files = files.files;
        chooser.dispatchEvent(new Event("change"));
        """
    )
    ada.element(".tray .refused")
    assert inspection.accessibility_faults(ada) == []
    ada.click(".tray .refused .tool")
    assert ada.run("return document.querySelectorAll('.tray li').length") == 0
    ada.complaints()


def people_are_named(journey: Journey) -> None:
    """After an at sign a list opens; who is chosen by the keyboard is named, and finds it marked."""
    ada, carol = both(journey)
    ada.type("#message", "Look, @ca")
    ada.element(".named [aria-selected=true]")
    assert (
        ada.run(
            "return document.getElementById(document.querySelector('#message').getAttribute('aria-activedescendant')).innerText.includes('Carol')"
        )
        is True
    )
    assert inspection.accessibility_faults(ada) == []
    ada.press(DOWN, ENTER)
    assert ada.run("return document.querySelector('#message').value") == "Look, @Carol Shaw "
    ada.type("#message", "a name" + ENTER)
    carol.sees("@Carol Shaw")
    for browser, mark in ((carol, "named-one me"), (ada, "named-one")):
        browser.gives(
            f"return {steps.last('a name')}?.querySelector('.named-one')?.className", mark, "the name"
        )
    ada.press("\ue013")  # up: the message is changed, and says its name as it did
    ada.gives(
        "return document.querySelector('#message').value", "Look, @Carol Shaw a name", "the name in the field"
    )
    ada.press(ESCAPE)


def words_are_found(journey: Journey) -> None:
    """What was said is found by its words, shown with them marked, and led to."""
    ada = journey.ada
    ada.click('[aria-label="Search"]')
    ada.type("#search", "oldest" + ENTER)
    ada.sees("1 found", ".search")
    assert ada.run("return document.querySelector('.found mark').textContent") == "oldest"
    assert inspection.accessibility_faults(ada) == []
    ada.click(".found button")
    ada.until(
        lambda: ada.run("return document.activeElement.innerText.includes('Which hill is the oldest?')"),
        "the focus on what was found",
    )
    ada.click('[aria-label="Close the search"]')


def somebody_is_invited_and_kept_in_order(journey: Journey) -> None:
    """Invited by address, muted, let speak, removed, banned and let in again: each is seen by the other, and a refused message is kept to try again."""
    ada, carol = both(journey)
    # An invitation by address is for whoever has shown that the address is theirs. How that is done is told elsewhere.
    journey.server.manage("shell", "-c", _VERIFIED.format(email=EMAIL, when="timezone.now()"))
    steps.open_room(ada, "quiet-corner")
    ada.click(".invite summary")
    ada.type(".invite #email", EMAIL + ENTER)
    ada.sees("Invited.", ".invite")
    assert inspection.accessibility_faults(ada) == []
    carol.run("document.dispatchEvent(new Event('visibilitychange'))")
    carol.sees("invites you to Quiet corner", ".invitations")
    assert inspection.accessibility_faults(carol) == []
    carol.click(".invitations .primary")
    carol.sees("Quiet corner", ".room-head")
    steps.on_line(carol)
    ada.sees("Carol Shaw", ".people")
    ada.click(".people .menu summary")
    assert inspection.accessibility_faults(ada) == []
    ada.click(".people .menu li:first-child button")
    ada.sees("muted till", ".people")
    steps.write(carol, "May I say something?")
    carol.sees("Not sent: You are muted here until", ".message.refused")
    ada.click(".people .menu summary")
    ada.click(".people .menu li:first-child button")
    ada.until(lambda: "muted" not in ada.run("return document.querySelector('.people').innerText"), "no mute")
    carol.click(".message.refused .foot .link")
    ada.sees("May I say something?")
    ada.click(".people .menu summary")
    # Who comes and goes meanwhile does not take the menu away.
    carol.run("location.hash = '#/news'")
    carol.sees("News")
    time.sleep(1)
    ada.sees("2 here", ".people")
    ada.press(ESCAPE)
    ada.sees("1 here", ".people")
    carol.run("history.back()")
    steps.on_line(carol)
    ada.sees("2 here", ".people")
    ada.click(".people .menu summary")
    ada.click(".people .menu li:nth-last-child(2) button")
    ada.click(".ask .danger")
    carol.sees("You are no longer a member of this room.")
    ada.type(".invite #email", EMAIL + ENTER)
    ada.sees("Invited.", ".invite")
    carol.run("document.dispatchEvent(new Event('visibilitychange'))")
    carol.click(".invitations .primary")
    steps.on_line(carol)
    ada.sees("2 here", ".people")
    ada.click(".people .menu summary")
    ada.click(".people .menu li:last-child button")
    ada.sees("cannot come back until you lift the ban", ".ask")
    ada.click(".ask .danger")
    carol.sees("You are no longer a member of this room.")
    ada.click(".bans summary")
    ada.sees("Carol Shaw", ".bans")
    assert inspection.accessibility_faults(ada) == []
    ada.click(".bans li button")
    ada.sees("Nobody is.", ".bans")
    journey.server.manage("shell", "-c", _VERIFIED.format(email=EMAIL, when="None"))
    for browser in both(journey):
        browser.complaints()
        steps.open_room(browser, "lobby")
