"""The conversation when things go wrong: killed servers, lost connections, ended sessions, small screens."""

from __future__ import annotations

import re
from typing import Final

from apps.chat.tests.browser import steps
from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER, ESCAPE
from apps.common.tests.browser.journey import Journey
from apps.users.tests.browser import steps as users_steps

ROOMS: Final = "/api/private/v1/chat/rooms/"
# The log is scrolled to its end.
_AT_END: Final = "const log = document.querySelector('.log'); return log.scrollHeight - log.scrollTop - log.clientHeight < 2"


def stored(journey: Journey, wanted: list[str]) -> list[str]:
    """Returns those of the wanted texts that the server has, in its order."""
    token = journey.server.sign_in("ada@example.com", "demo-password-2026")
    page = journey.server.call("GET", f"{ROOMS}lobby/messages/?limit=100&before=1000000", token=token).json()[
        "results"
    ]
    ordered = sorted(page, key=lambda message: int(message["seq"]))
    return [message["message"] for message in ordered if message["message"] in wanted]


def agree(journey: Journey, wanted: list[str]) -> None:
    """Assert that both see all wanted messages once, in the server's order."""
    seen = [steps.settle(browser, wanted) for browser in journey.both]
    truth = stored(journey, wanted)
    assert sorted(truth) == sorted(wanted), f"stored {truth}"
    assert seen == [truth, truth], f"seen {seen}, stored {truth}"


def any_order_of_arrival_ends_in_one_order(journey: Journey) -> None:
    """2,000 times: messages, duplicates, acknowledgements and changes in a random order end in the same timeline."""
    script = """
      const { Timeline } = await import("/static/chat/console/timeline.js");
      const random = (below) => Math.floor(Math.random() * below);
      const shuffled = (list) => list.map((one) => [Math.random(), one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);
      for (let run = 0; run < 2000; run += 1) {
        const timeline = new Timeline();
        const start = random(5), count = 1 + random(12);
        timeline.begin(start);
        const sent = Array.from({ length: count }, (_, index) => ({ id: index, seq: start + 1 + index, text: `t${index}`, clientId: `c${index}`, deleted: false }));
        const mine = sent.filter(() => random(2));
        for (const { clientId, text } of mine) timeline.write({ clientId, text });
        const events = shuffled([
          ...sent.map((one) => () => timeline.accept({ ...one })),
          ...sent.filter(() => random(2)).map((one) => () => timeline.accept({ ...one })),
          ...mine.map(({ clientId, id, seq }) => () => timeline.acknowledge(clientId, { id, seq, at: "now" })),
          () => timeline.prepend(Array.from({ length: start }, (_, index) => ({ seq: index + 1, text: `old${index}`, deleted: false }))),
        ]);
        const shown = [];
        for (const event of events) for (const one of event() ?? []) if (!shown.includes(one.seq)) shown.push(one.seq);
        const texts = timeline.items.map((one) => one.text).join();
        const wanted = [...Array.from({ length: start }, (_, index) => `old${index}`), ...sent.map((one) => one.text)].join();
        if (texts !== wanted) return `${texts} instead of ${wanted}`;
        if (timeline.hasGap || timeline.unsent.length || timeline.head !== start + count) return "something is left over";
        if (shown.join() !== [...shown].sort((a, b) => a - b).join()) return `shown in the order ${shown}`;
        const changes = shuffled([{ change: 1, text: "once" }, { change: 3, text: "changed" }, { change: 2, text: "twice" }]);
        for (const change of changes) timeline.change(start + count, change);
        timeline.prepend([{ seq: start + count, text: "before", change: 0 }]);
        if (timeline.items.at(-1).text !== "changed" || timeline.items.length !== start + count) return "a change made a second message";
      }
      return "";
    """
    assert journey.ada.run(f"return (async () => {{ {script} }})()") == ""


def a_killed_server_loses_nothing(journey: Journey) -> None:
    """SIGKILL, five messages each while no server runs, a new process: everything is there once, in one order."""
    ada, carol = journey.both
    journey.server.kill()
    for browser in journey.both:
        browser.sees("Connection lost.")
        inspection.assert_no_faults(browser)
    for number in range(5):
        steps.write(ada, f"ada in the dark {number}")
        steps.write(carol, f"carol in the dark {number}")
    assert ada.run("return document.querySelectorAll('.message.waiting').length") == 5
    journey.server.start()
    for browser in journey.both:
        steps.connected(browser)
    agree(journey, [f"{who} in the dark {number}" for who in ("ada", "carol") for number in range(5)])
    for who, browser in (("ada", ada), ("carol", carol)):
        own = [text for text in steps.texts(browser) if text.startswith(f"{who} in the dark")]
        assert own == [f"{who} in the dark {number}" for number in range(5)], own


def a_kill_amid_a_burst_loses_nothing(journey: Journey) -> None:
    """SIGKILL while both are sending. What was stored but not acknowledged is sent again and stored once."""
    wanted = []
    for attempt in range(3):
        for number in range(8):
            for who, browser in (("ada", journey.ada), ("carol", journey.carol)):
                text = f"{who} in burst {attempt}.{number}"
                wanted.append(text)
                send = "const field = document.querySelector('#message'); field.value = arguments[0]; field.form.requestSubmit()"
                browser.run(send, text)
                if who == "ada" and number == 4:
                    journey.server.kill()
        journey.server.start()
        for browser in journey.both:
            steps.connected(browser)
    agree(journey, wanted)


def a_lost_connection_is_restored(journey: Journey) -> None:
    """The browser goes offline. What was written meanwhile survives a reload of the page."""
    ada, carol = journey.both
    everything = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    ada.devtools("Network.enable")
    journey.server.kill()
    ada.sees("Connection lost.")
    steps.write(ada, "written before the reload")
    carol.sees("Connection lost.")
    journey.server.start()
    ada.run("location.reload()")
    steps.connected(ada)
    steps.connected(carol)
    ada.devtools("Network.emulateNetworkConditions", offline=True, **everything)
    steps.write(carol, "while ada was offline")
    ada.devtools("Network.emulateNetworkConditions", offline=False, **everything)
    agree(journey, ["written before the reload", "while ada was offline"])


def history_is_paged(journey: Journey) -> None:
    """Scrolling up loads older messages page by page, without duplicates and without losing the place."""
    ada = journey.ada
    token = journey.server.sign_in("ada@example.com", "demo-password-2026")
    journey.server.call("POST", ROOMS, token=token, json={"slug": "archive", "name": "Archive"})
    wanted = [f"entry {number:03}" for number in range(130)]
    for text in wanted:
        journey.server.call("POST", f"{ROOMS}archive/messages/", token=token, json={"message": text})
    ada.run("document.dispatchEvent(new Event('visibilitychange'))")  # the list of rooms is loaded again
    ada.until(
        lambda: "Archive" in ada.run("return document.querySelector('.rooms').innerText"), "the new room"
    )
    steps.open_room(ada, "archive")
    ada.sees("entry 129")
    assert len(steps.texts(ada)) == 50
    for count in (100, 130):
        ada.run("document.querySelector('.log').scrollTop = 0")
        ada.gives("return document.querySelectorAll('.message').length", count, f"{count} messages")
    assert steps.texts(ada) == wanted
    ada.sees("This is the beginning of the conversation.")


def missed_edits_and_deletions_are_shown(journey: Journey) -> None:
    """While the connection is lost, messages far above are deleted and edited. After it both show, in quotes, too."""
    ada = journey.ada
    path = f"{ROOMS}archive/messages/"
    token = journey.server.sign_in("ada@example.com", "demo-password-2026")
    page = journey.server.call("GET", f"{path}?after=0&limit=100", token=token).json()["results"]
    ids = {message["message"]: message["id"] for message in page}
    answer = {"message": "an answer", "reply_to": ids["entry 010"]}
    journey.server.call("POST", path, token=token, json=answer)
    ada.sees("an answer")
    ada.sees("entry 010", ".quote")
    journey.server.kill()
    ada.sees("Connection lost.")
    everything = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    ada.devtools("Network.enable")
    ada.devtools("Network.emulateNetworkConditions", offline=True, **everything)
    journey.server.start()
    token = journey.server.sign_in("ada@example.com", "demo-password-2026")
    journey.server.call("DELETE", f"{path}{ids['entry 010']}/", token=token)
    journey.server.call("PATCH", f"{path}{ids['entry 020']}/", token=token, json={"message": "edited 020"})
    ada.devtools("Network.emulateNetworkConditions", offline=False, **everything)
    steps.connected(ada)
    ada.sees("edited 020")
    log = "return document.querySelector('.log').innerText"
    ada.until(lambda: "entry 010" not in ada.run(log), "neither the deleted message nor its quote")
    assert "entry 020" not in ada.run(log)
    assert len(set(steps.texts(ada)) & {f"entry {number:03}" for number in range(130)}) == 128


def unread_messages_are_counted(journey: Journey) -> None:
    """Messages in a room that is not open are counted in the list and in the title, and marked when it is opened."""
    ada, carol = journey.both
    for text in ("unread one", "unread two"):
        steps.write(carol, text)
        carol.sees(text)
    carol.until(lambda: not carol.run("return document.querySelector('.message.waiting')"), "both stored")
    ada.run("document.dispatchEvent(new Event('visibilitychange'))")
    badge = "return [...document.querySelectorAll('a.room')].find((one) => one.href.endsWith('/lobby'))?.querySelector('.badge')?.innerText ?? ''"
    ada.until(lambda: ada.run(badge).startswith("2"), "a badge that says 2")
    # Other rooms of the demo data may have unread messages.
    title = ada.run("return document.title")
    assert re.match(r"\((?:[2-9]|\d\d)\) Archive", title), title
    steps.open_room(ada, "lobby")
    ada.sees("New", ".new-marker")
    ada.until(lambda: ada.run(badge) == "", "no badge")
    steps.open_room(ada, "archive")
    assert ada.run(badge) == "", "what was read is not counted again when the room is left"
    steps.open_room(ada, "lobby")


def a_private_room_is_not_seen(journey: Journey) -> None:
    """A private room is listed for its members only. Its address leads others nowhere."""
    ada, carol = journey.both
    ada.click(".new-room summary")
    ada.type("#room-name", "Quiet corner")
    ada.click("#room-private")
    ada.type("#room-name", ENTER)
    ada.sees("Quiet corner", ".room-head")
    carol.run("document.dispatchEvent(new Event('visibilitychange'))")
    carol.run("location.hash = '#/rooms/quiet-corner'")
    carol.sees("This room does not exist, or you are not a member of it.")
    assert "Quiet corner" not in carol.run("return document.body.innerText")
    for browser in journey.both:
        steps.open_room(browser, "lobby")


def tokens_are_renewed_in_an_open_room(journey: Journey) -> None:
    """Tokens expire and are renewed while a room is open, and after reloads."""
    ada = journey.ada
    before = ada.run("return sessionStorage.getItem('console.session')")
    ada.until(lambda: ada.run("return sessionStorage.getItem('console.session')") != before, "a renewal", 40)
    for _ in range(3):
        ada.run("location.reload()")
        steps.connected(ada)
    assert "Ada" in ada.run("return document.querySelector('#header-parts').textContent")


def a_phone_is_enough(journey: Journey) -> None:
    """At 360 pixels one column is shown at a time, and nothing scrolls sideways."""
    ada = journey.ada
    steps.write(ada, "Everything " + "that-is-one-long-word-" * 8 + "and more. " * 20)
    steps.reply(ada, "that-is-one-long-word", "A reply that quotes it")
    steps.settle(ada, ["A reply that quotes it"])
    assert inspection.fits(ada, 1280)
    ada.resize(360, 740, phone=True)
    ada.until(lambda: ada.run(_AT_END), "the newest message in view")
    ada.resize(360, 400, phone=True)  # the keyboard comes up
    ada.until(lambda: ada.run(_AT_END), "the newest message in view above the keyboard")
    ada.resize(360, 740, phone=True)
    inspection.assert_no_faults(ada)
    assert inspection.fits(ada, 360)
    assert not inspection.is_visible(ada, ".rooms")
    ada.click(".members-toggle")
    assert inspection.is_visible(ada, ".members")
    assert not inspection.is_visible(ada, ".log")
    ada.press(ESCAPE)
    assert not inspection.is_visible(ada, ".members")
    assert ada.run("return document.activeElement.classList.contains('members-toggle')")
    ada.click(".room-head .back")
    ada.until(
        lambda: inspection.is_visible(ada, ".rooms") and not inspection.is_visible(ada, ".conversation"),
        "the list of rooms",
    )
    inspection.assert_no_faults(ada)
    ada.click("a.room")
    steps.connected(ada)
    ada.resize(1280, 800)
    steps.open_room(ada, "lobby")


def a_session_ended_elsewhere_ends_here(journey: Journey) -> None:
    """After a sign-out of all devices by another client the room closes at once, and the page shows the reason."""
    token = journey.server.sign_in(steps.EMAIL, users_steps.PASSWORD)
    journey.server.call("POST", "/api/private/v1/users/me/logout-all/", token=token)
    journey.carol.sees("Your session has ended. Please sign in again.")
    journey.carol.element("#email")
    assert journey.carol.run("return sessionStorage.length") == 0


def a_reload_stays_in_the_room(journey: Journey) -> None:
    """The list of rooms and a room are there again after a reload."""
    ada = journey.ada
    for address, words in (("#/rooms", "Choose a room, or create one."), ("#/rooms/lobby", "Lobby")):
        ada.run("location.hash = arguments[0]", address)
        ada.run("location.reload()")
        ada.sees(words)
        assert ada.run("return location.hash") == address
    steps.connected(ada)


def signing_out_forgets_messages(journey: Journey) -> None:
    """Messages that were not sent are gone after signing out."""
    ada = journey.ada
    journey.server.kill()
    ada.sees("Connection lost.")
    steps.write(ada, "never sent")
    assert "never sent" in ada.run("return JSON.stringify({...sessionStorage})")
    users_steps.sign_out(ada)
    assert ada.run("return sessionStorage.length") == 0
    journey.server.start()
    ada.run("history.back()")
    ada.element("#email")
