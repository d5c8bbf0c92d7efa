"""What the console promises when things go wrong: killed servers, cut lines, copied tabs, ended sessions, small screens."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER, ESCAPE, Browser
from apps.console.tests.browser import steps
from apps.console.tests.browser.chapters import EMAIL, both

if TYPE_CHECKING:
    from apps.console.tests.browser.journey import Journey

ROOMS = "/api/private/v1/chat/rooms/"
# Counts how often the sign-in form was shown.
_ENTRANCES = """
globalThis.entrances = 0;
new MutationObserver(() => { if (document.querySelector(".enter")) entrances += 1; })
  .observe(document, { childList: true, subtree: true });
"""
# The log is as far down as it goes.
_RESTS = "const log = document.querySelector('.log'); return log.scrollHeight - log.scrollTop - log.clientHeight < 2"


def stored(journey: Journey, wanted: list[str]) -> list[str]:
    """Of the wanted texts, what the server has, in its order: the truth to compare the pages with."""
    token = journey.server.sign_in("ada@example.com", "sarsen-demo-2026")
    page = journey.server.call("GET", f"{ROOMS}lobby/messages/?limit=100&before=1000000", token=token).json()[
        "results"
    ]
    ordered = sorted(page, key=lambda message: int(message["seq"]))
    return [message["message"] for message in ordered if message["message"] in wanted]


def agree(journey: Journey, wanted: list[str]) -> None:
    """Both people see all wanted messages once, in the server's order."""
    seen = [steps.settle(browser, wanted) for browser in both(journey)]
    truth = stored(journey, wanted)
    assert sorted(truth) == sorted(wanted), f"stored {truth}"
    assert seen == [truth, truth], f"seen {seen}, stored {truth}"


def any_order_of_arrival_ends_in_one_order(journey: Journey) -> None:
    """2,000 times: messages, doubles, receipts and corrections in a random order; the timeline ends the same."""
    script = """
      const { Timeline } = await import("/static/console/timeline.js");
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
        timeline.correct(start + count, { text: "changed" });
        if (timeline.items.at(-1).text !== "changed" || timeline.items.length !== start + count) return "a correction made a second message";
      }
      return "";
    """
    assert journey.ada.run(f"return (async () => {{ {script} }})()") == ""


def a_killed_server_loses_nothing(journey: Journey) -> None:
    """SIGKILL, five messages each while nothing answers, a new process: everything is there once, in one order."""
    ada, carol = both(journey)
    journey.server.kill()
    for browser in both(journey):
        browser.sees("The line is cut.")
        assert inspection.accessibility_faults(browser) == []
    for number in range(5):
        steps.write(ada, f"ada in the dark {number}")
        steps.write(carol, f"carol in the dark {number}")
    assert ada.run("return document.querySelectorAll('.message.waiting').length") == 5
    # What waits survives a reload of nothing: the page cannot be fetched now, so only after the server is back.
    journey.server.start()
    for browser in both(journey):
        steps.on_line(browser)
    agree(journey, [f"{who} in the dark {number}" for who in ("ada", "carol") for number in range(5)])
    for who, browser in (("ada", ada), ("carol", carol)):
        own = [text for text in steps.texts(browser) if text.startswith(f"{who} in the dark")]
        assert own == [f"{who} in the dark {number}" for number in range(5)], own


def a_kill_amid_a_burst_loses_nothing(journey: Journey) -> None:
    """SIGKILL while both are sending: what was stored but not acknowledged is sent again and stored once."""
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
        for browser in both(journey):
            steps.on_line(browser)
    agree(journey, wanted)


def a_cut_line_is_waited_out(journey: Journey) -> None:
    """The browser itself goes offline; what was written meanwhile survives even a reload of the page."""
    ada, carol = both(journey)
    everything = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    ada.devtools("Network.enable")
    journey.server.kill()
    ada.sees("The line is cut.")
    steps.write(ada, "written before the reload")
    carol.sees("The line is cut.")
    journey.server.start()
    ada.run("location.reload()")
    steps.on_line(ada)
    steps.on_line(carol)
    ada.devtools("Network.emulateNetworkConditions", offline=True, **everything)
    steps.write(carol, "while ada was offline")
    ada.devtools("Network.emulateNetworkConditions", offline=False, **everything)
    agree(journey, ["written before the reload", "while ada was offline"])


def history_is_paged(journey: Journey) -> None:
    """Scrolling up fetches what is older, page by page, without doubles and without losing the place."""
    ada = journey.ada
    token = journey.server.sign_in("ada@example.com", "sarsen-demo-2026")
    journey.server.call("POST", ROOMS, token=token, json={"slug": "archive", "name": "Archive"})
    wanted = [f"entry {number:03}" for number in range(130)]
    for text in wanted:
        journey.server.call("POST", f"{ROOMS}archive/messages/", token=token, json={"message": text})
    ada.run("document.dispatchEvent(new Event('visibilitychange'))")  # the list of rooms is read anew
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
    ada.sees("This is where the conversation begins.")


def unread_messages_are_counted(journey: Journey) -> None:
    """What arrives in a room that is not open is counted in the list and in the title, and marked when it is opened."""
    ada, carol = both(journey)
    for text in ("unread one", "unread two"):
        steps.write(carol, text)
        carol.sees(text)
    carol.until(lambda: not carol.run("return document.querySelector('.message.waiting')"), "both stored")
    ada.run("document.dispatchEvent(new Event('visibilitychange'))")
    badge = "return [...document.querySelectorAll('a.room')].find((one) => one.href.endsWith('/lobby'))?.querySelector('.badge')?.innerText ?? ''"
    ada.until(lambda: ada.run(badge).startswith("2"), "a badge that says 2")
    # The demo's other rooms may hold more that was not read.
    title = ada.run("return document.title")
    assert re.match(r"\((?:[2-9]|\d\d)\) Archive", title), title
    steps.open_room(ada, "lobby")
    ada.sees("New since you were here")
    ada.until(lambda: ada.run(badge) == "", "no badge")
    steps.open_room(ada, "archive")
    assert ada.run(badge) == "", "what was read is not counted again when the room is left"
    steps.open_room(ada, "lobby")


def a_private_room_is_not_seen(journey: Journey) -> None:
    """A room by invitation is in its maker's list only; its address leads others nowhere."""
    ada, carol = both(journey)
    ada.click(".new-room summary")
    ada.type("#room-name", "Quiet corner")
    ada.click("#room-private")
    ada.type("#room-name", ENTER)
    ada.sees("Quiet corner", ".room-head")
    carol.run("document.dispatchEvent(new Event('visibilitychange'))")
    carol.run("location.hash = '#/rooms/quiet-corner'")
    carol.sees("There is no such room, or it is not open to you.")
    assert "Quiet corner" not in carol.run("return document.body.innerText")
    for browser in both(journey):
        steps.open_room(browser, "lobby")


def a_copied_tab_does_not_end_the_session(journey: Journey) -> None:
    """A duplicated tab begins with a copy of the refresh token. It gives the copy up, and the first tab goes on."""
    ada = journey.ada
    first = ada.window()
    ada.run("window.open(location.href)")
    ada.switch(next(window for window in ada.windows() if window != first))
    ada.sees("This tab is a copy of another one.")
    ada.close_window()
    ada.switch(first)
    sent = f"still here {time.time():.0f}"
    steps.write(ada, sent)
    journey.carol.sees(sent)


def sessions_outlive_their_tokens(journey: Journey) -> None:
    """Tokens run out and are renewed, silently and under a reload; nobody is asked to sign in again."""
    ada = journey.ada
    before = ada.run("return sessionStorage.getItem('sarsen.session')")
    ada.until(lambda: ada.run("return sessionStorage.getItem('sarsen.session')") != before, "a renewal", 40)
    for _ in range(3):
        ada.run("location.reload()")
        steps.on_line(ada)
    assert "Ada" in ada.run("return document.querySelector('#account').textContent")


def a_reload_stays_where_it_was(journey: Journey) -> None:
    """Every view is there again after a reload, and nobody who is signed in is shown the way in meanwhile."""
    ada = journey.ada
    watch = ada.devtools("Page.addScriptToEvaluateOnNewDocument", source=_ENTRANCES)
    for address, words in (
        ("#/", "Welcome, Ada Lovelace"),
        ("#/news", "News"),
        ("#/account", "Your account"),
        ("#/rooms", "Choose a room, or make one."),
        ("#/rooms/lobby", "Lobby"),
    ):
        ada.run("location.hash = arguments[0]", address)
        ada.run("location.reload()")
        ada.sees(words)
        assert ada.run("return [location.hash, entrances]") == [address, 0]
    ada.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=watch["identifier"])
    steps.on_line(ada)


def a_phone_is_enough(journey: Journey) -> None:
    """360 pixels: one thing at a time, nothing scrolls sideways, everything can be reached by thumb."""
    ada = journey.ada
    steps.write(ada, "Everything " + "that-is-one-long-word-" * 8 + "and more. " * 20)
    steps.answer(ada, "that-is-one-long-word", "An answer that quotes it")
    steps.settle(ada, ["An answer that quotes it"])
    assert inspection.fits(ada, 1280)
    ada.resize(360, 740, phone=True)
    ada.until(lambda: ada.run(_RESTS), "the newest message in view")
    ada.resize(360, 400, phone=True)  # the keyboard comes up
    ada.until(lambda: ada.run(_RESTS), "the newest message in view above the keyboard")
    ada.resize(360, 740, phone=True)
    assert inspection.accessibility_faults(ada) == []
    assert inspection.fits(ada, 360)
    assert not shown(ada, ".rooms")
    ada.click(".people-toggle")
    assert shown(ada, ".people")
    assert not shown(ada, ".log")
    ada.press(ESCAPE)
    assert not shown(ada, ".people")
    assert ada.run("return document.activeElement.classList.contains('people-toggle')")
    ada.click(".room-head .back")
    ada.until(lambda: shown(ada, ".rooms") and not shown(ada, ".conversation"), "the list of rooms")
    assert inspection.accessibility_faults(ada) == []
    ada.click("a.room")
    steps.on_line(ada)
    ada.resize(1280, 800)
    steps.open_room(ada, "lobby")


def shown(browser: Browser, selector: str) -> bool:
    """Is an element to be seen?"""
    return bool(
        browser.run("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector)
    )


def colours_are_chosen(journey: Journey) -> None:
    """The switch wins over the system's wish and outlives a reload, without a flash of the other colours."""
    ada = journey.ada
    scheme = "return getComputedStyle(document.documentElement).colorScheme"
    ada.click("#theme")
    assert ada.run(scheme) == "dark"
    ada.run("location.reload()")
    assert ada.run(scheme) == "dark"
    steps.on_line(ada)
    assert inspection.accessibility_faults(ada) == []
    ada.click("#theme")
    assert ada.run(scheme) == "light"


def a_session_ended_elsewhere_ends_here(journey: Journey) -> None:
    """Signed out everywhere by another client: the open room closes and the page says why."""
    token = journey.server.sign_in(EMAIL, steps.PASSWORD)
    journey.server.call("POST", "/api/private/v1/users/me/logout-all/", token=token)
    journey.carol.sees("Your session has ended. Please sign in again.")
    journey.carol.element("#email")
    assert journey.carol.run("return sessionStorage.length") == 0


def signing_out_leaves_nothing(journey: Journey) -> None:
    """After signing out nothing of the session is left in the tab, and the way back does not lead into the room."""
    ada = journey.ada
    ada.click("#account .quiet")
    ada.element("#email")
    assert ada.run("return sessionStorage.length") == 0
    ada.run("history.back()")
    ada.element("#email")
