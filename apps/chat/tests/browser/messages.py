"""Replies, files, mentions, search, invitations and moderation."""

from __future__ import annotations

import time
from typing import Final

from apps.chat.tests.browser import steps
from apps.chat.tests.browser.steps import EMAIL
from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import DOWN, ENTER, ESCAPE
from apps.common.tests.browser.journey import Journey

# Choose two files: a picture that is drawn here, and a text.
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
_READY: Final = "return document.querySelectorAll('.uploads .ready').length"


def messages_are_replied_to(journey: Journey) -> None:
    """A reply shows what it replies to, and a click leads there. Esc cancels a reply. Quotes follow their message."""
    ada, carol = journey.both
    steps.write(ada, "Which hill is the oldest?")
    carol.sees("Which hill is the oldest?")
    steps.press_tool(carol, "Which hill is the oldest?", "Reply to this message")
    carol.sees("Replying to Ada Lovelace.", ".composer")
    carol.press(ESCAPE)
    assert not carol.run("return document.querySelector('.composer .about').checkVisibility()")
    steps.reply(carol, "Which hill is the oldest?", "The one in the middle.")
    quote = f"return {steps.last('The one in the middle.')}?.querySelector('.quote')?.textContent"
    for browser in journey.both:
        browser.gives(quote, "In reply to Ada Lovelace Which hill is the oldest?", "a reply with its quote")
    ada.run(f"{steps.last('The one in the middle.')}.querySelector('.quote').click()")
    ada.until(
        lambda: ada.run("return document.activeElement.innerText.includes('Which hill is the oldest?')"),
        "the focus on the question",
    )
    inspection.assert_no_faults(ada)
    steps.write(ada, "Which one is green?")
    steps.reply(carol, "Which one is green?", "All of them.")
    ada.sees("All of them.")
    ada.run("document.querySelector('#message').focus()")
    ada.press("\ue013")
    ada.gives("return document.querySelector('#message').value", "Which one is green?", "the message to edit")
    ada.run("const field = document.querySelector('#message'); field.value = ''; field.focus()")
    steps.write(ada, "Which one is greener?")
    quote = f"return {steps.last('All of them.')}?.querySelector('.quote')?.textContent"
    for browser in journey.both:
        browser.gives(quote, "In reply to Ada Lovelace Which one is greener?", "the edited quote")


def files_go_with_messages(journey: Journey) -> None:
    """The other sees a picture and can download a text. Both are loaded with the token, under the strict policy."""
    ada, carol = journey.both
    for browser in journey.both:
        browser.complaints()
    ada.run(f"return (async () => {{ {_CHOOSE} }})()")
    ada.gives(_READY, 2, "two files ready")
    inspection.assert_no_faults(ada)
    steps.write(ada, "Two files")
    carol.sees("Two files")
    for browser in journey.both:
        seen = f"const picture = {steps.last('Two files')}?.querySelector('.picture img'); picture?.scrollIntoView(); return picture?.naturalWidth"
        browser.gives(seen, 320, "the picture")
        name = browser.run(f"return {steps.last('Two files')}.querySelector('.file .name').textContent")
        assert name == "notes.txt", name
        assert browser.complaints() == []
    # The name and the content of the download.
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
    steps.connected(carol)


def a_refused_file_is_explained(journey: Journey) -> None:
    """A refusal is shown beside the file, and the message can be sent without it."""
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
    ada.element(".uploads .refused")
    inspection.assert_no_faults(ada)
    ada.click(".uploads .refused .tool")
    assert ada.run("return document.querySelectorAll('.uploads li').length") == 0
    ada.complaints()


def members_are_mentioned(journey: Journey) -> None:
    """After an at sign a list opens. The member who is chosen by keyboard is mentioned, and sees the mention marked."""
    ada, carol = journey.both
    ada.type("#message", "Look, @ca")
    ada.element(".suggestions [aria-selected=true]")
    assert (
        ada.run(
            "return document.getElementById(document.querySelector('#message').getAttribute('aria-activedescendant')).innerText.includes('Carol')"
        )
        is True
    )
    inspection.assert_no_faults(ada)
    ada.press(DOWN, ENTER)
    assert ada.run("return document.querySelector('#message').value") == "Look, @Carol Shaw "
    ada.type("#message", "a name" + ENTER)
    carol.sees("@Carol Shaw")
    for browser, mark in ((carol, "mention me"), (ada, "mention")):
        browser.gives(
            f"return {steps.last('a name')}?.querySelector('.mention')?.className", mark, "the name"
        )
    ada.press("\ue013")  # up: the message is edited with its mention
    ada.gives(
        "return document.querySelector('#message').value", "Look, @Carol Shaw a name", "the name in the field"
    )
    ada.press(ESCAPE)


def messages_are_found(journey: Journey) -> None:
    """A message is found by its words. They are marked, and a click leads to the message."""
    ada = journey.ada
    ada.click('[aria-label="Search"]')
    ada.type("#search", "oldest" + ENTER)
    ada.sees("1 found", ".search")
    assert ada.run("return document.querySelector('.results mark').textContent") == "oldest"
    inspection.assert_no_faults(ada)
    ada.click(".results button")
    ada.until(
        lambda: ada.run("return document.activeElement.innerText.includes('Which hill is the oldest?')"),
        "the focus on what was found",
    )
    ada.click('[aria-label="Close the search"]')


def members_are_invited_and_moderated(journey: Journey) -> None:
    """Invited by address, muted, unmuted, removed, banned and unbanned: each sees the effect. A refused message can be sent again."""
    ada, carol = journey.both
    # Only an account with a verified address receives invitations.
    journey.server.manage("shell", "-c", _VERIFIED.format(email=EMAIL, when="timezone.now()"))
    steps.open_room(ada, "quiet-corner")
    ada.click(".invite summary")
    ada.type(".invite #email", EMAIL + ENTER)
    ada.sees("Invited.", ".invite")
    inspection.assert_no_faults(ada)
    carol.run("document.dispatchEvent(new Event('visibilitychange'))")
    carol.sees("invites you to Quiet corner", ".invitations")
    inspection.assert_no_faults(carol)
    carol.click(".invitations .primary")
    carol.sees("Quiet corner", ".room-head")
    steps.connected(carol)
    ada.sees("Carol Shaw", ".members")
    ada.click(".members .menu summary")
    inspection.assert_no_faults(ada)
    ada.click(".members .menu li:first-child button")
    ada.sees("muted until", ".members")
    steps.write(carol, "May I write something?")
    carol.sees("Not sent: You are muted here until", ".message.refused")
    ada.click(".members .menu summary")
    ada.click(".members .menu li:first-child button")
    ada.until(
        lambda: "muted" not in ada.run("return document.querySelector('.members').innerText"), "no mute"
    )
    carol.click(".message.refused .foot .link")
    ada.sees("May I write something?")
    ada.click(".members .menu summary")
    # The menu stays open while others come and go.
    carol.run("location.hash = '#/'")
    carol.sees("Welcome, Carol Shaw")
    time.sleep(1)
    ada.sees("2 online", ".members")
    ada.press(ESCAPE)
    ada.sees("1 online", ".members")
    carol.run("history.back()")
    steps.connected(carol)
    ada.sees("2 online", ".members")
    ada.click(".members .menu summary")
    ada.click(".members .menu li:nth-last-child(2) button")
    ada.click(".confirm .danger")
    carol.sees("You are no longer a member of this room.")
    ada.type(".invite #email", EMAIL + ENTER)
    ada.sees("Invited.", ".invite")
    carol.run("document.dispatchEvent(new Event('visibilitychange'))")
    carol.click(".invitations .primary")
    steps.connected(carol)
    ada.sees("2 online", ".members")
    ada.click(".members .menu summary")
    ada.click(".members .menu li:last-child button")
    ada.sees("cannot come back until you unban them", ".confirm")
    ada.click(".confirm .danger")
    carol.sees("You are no longer a member of this room.")
    ada.click(".bans summary")
    ada.sees("Carol Shaw", ".bans")
    inspection.assert_no_faults(ada)
    ada.click(".bans li button")
    ada.sees("No one is banned.", ".bans")
    journey.server.manage("shell", "-c", _VERIFIED.format(email=EMAIL, when="None"))
    for browser in journey.both:
        browser.complaints()
        steps.open_room(browser, "lobby")
