"""Faults that users of systems like this one have reported: input methods, overflow, forged ids, stuck messages, limits."""

from __future__ import annotations

from typing import Final

from apps.chat.tests.browser import steps
from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER
from apps.common.tests.browser.journey import Journey
from apps.users.tests.browser import steps as users_steps
from infrastructure.product import PRODUCT

MESSAGES: Final = "/api/private/v1/chat/rooms/lobby/messages/"
# Safari ends a composition with a keydown whose key is Enter and of which only the key code shows that it belongs to the input method.
_COMPOSED_ENTER: Final = (
    "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
    " {key: arguments[0], keyCode: 229, bubbles: true, cancelable: true}))"
)
_MANY_ROOMS: Final = """
from apps.chat.models import Membership, Room; from apps.users.models import User
ada = User.objects.get(email='ada@example.com')
rooms = Room.objects.bulk_create([Room(slug=f'many-{n}', name=f'Many {n}', is_private=True, head=3) for n in range(60)])
Membership.objects.bulk_create([Membership(room=room, user=ada) for room in rooms])
lobby = Room.objects.get(slug='lobby')
users = User.objects.bulk_create([User(email=f'many{n}@example.com', name=f'Many {n}') for n in range(60)])
Membership.objects.bulk_create([Membership(room=lobby, user=user) for user in users])
"""
_FEWER_ROOMS: Final = """
from apps.chat.models import Membership, Room; from apps.users.models import User
Room.objects.filter(slug__startswith='many-').delete()
Membership.objects.filter(user__name__startswith='Many ').delete()
"""
# The frames of some messages never reach the server, or reach it broken, so that it cannot tell which one it refuses.
_SPOIL_FRAMES: Final = """
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (frame) {
  if (frame.includes("swallowed")) return;
  send.call(this, frame.includes("spoiled") ? '{"message": 1}' : frame);
};
"""


def composing_does_not_send(journey: Journey) -> None:
    """Enter that ends the composition of a word does not send, and Esc that cancels one closes nothing."""
    ada = journey.ada
    ada.type("#message", "日本")
    ada.run(_COMPOSED_ENTER, "Enter")
    assert ada.run("return document.querySelector('#message').value") == "日本"
    ada.devtools("Input.imeSetComposition", text="語", selectionStart=1, selectionEnd=1)
    ada.run(_COMPOSED_ENTER, "Enter")
    ada.devtools("Input.insertText", text="語")
    ada.type("#message", ENTER)
    steps.settle(ada, ["日本語"])
    ada.click(".new-room summary")
    ada.type("#room-name", "x")
    ada.run(_COMPOSED_ENTER, "Escape")
    assert ada.run("return document.querySelector('.new-room').open")
    ada.run("document.querySelector('.new-room').open = false")
    ada.click('[aria-label="Search"]')
    ada.type("#search", "x")
    ada.run(_COMPOSED_ENTER, "Escape")
    assert inspection.is_visible(ada, ".search")
    ada.click('[aria-label="Close the search"]')


def long_lists_do_not_scroll_the_page(journey: Journey) -> None:
    """With many rooms, members and messages the lists scroll, and the page does not."""
    ada = journey.ada
    journey.server.manage("shell", "-c", _MANY_ROOMS)
    ada.run("location.reload()")
    steps.connected(ada)
    ada.sees("Many 59", ".rooms")
    ada.sees("Many 59", ".members")
    overflow = "return document.documentElement.scrollHeight - innerHeight"
    for width, height, phone in ((1280, 800, False), (900, 500, False), (360, 740, True)):
        ada.resize(width, height, phone=phone)
        assert ada.run(overflow) <= 0, (width, ada.run(overflow))
    ada.click(".members-toggle")
    assert ada.run(overflow) <= 0
    ada.click(".room-head .back")
    ada.sees("Many 59", ".rooms")
    assert ada.run(overflow) <= 0
    assert ada.run(
        "const list = document.querySelector('.rooms'); return list.scrollHeight > list.clientHeight"
    )
    ada.resize(1280, 800)
    journey.server.manage("shell", "-c", _FEWER_ROOMS)
    steps.open_room(ada, "lobby")


def a_client_id_identifies_messages_of_its_sender_only(journey: Journey) -> None:
    """Two users send messages with the same client_id. Both are shown to both, also after a reload."""
    ada, carol = journey.both
    steps.write(ada, "the first with this id")
    carol.sees("the first with this id")
    token = journey.server.sign_in(steps.EMAIL, users_steps.PASSWORD)
    page = journey.server.call("GET", f"{MESSAGES}?before=1000000&limit=5", token=token).json()["results"]
    [client_id] = [one["client_id"] for one in page if one["message"] == "the first with this id"]
    forged = {"message": "the second with this id", "client_id": client_id}
    journey.server.call("POST", MESSAGES, token=token, json=forged)
    wanted = ["the first with this id", "the second with this id"]
    for browser in journey.both:
        assert steps.settle(browser, wanted) == wanted
        browser.run("location.reload()")
        steps.connected(browser)
        assert steps.settle(browser, wanted) == wanted


def an_unacknowledged_message_is_discarded(journey: Journey) -> None:
    """A message that is neither acknowledged nor refused by name can be discarded, and is not sent later."""
    ada = journey.ada
    script = ada.devtools("Page.addScriptToEvaluateOnNewDocument", source=_SPOIL_FRAMES)
    ada.run("location.reload()")
    steps.connected(ada)
    for text in ("spoiled", "swallowed"):
        steps.write(ada, text)
        ada.sees("Not confirmed yet.", ".message.waiting", patience=20)
        inspection.assert_no_faults(ada)
        ada.click(".message.waiting .link")
        assert ada.run("return document.querySelectorAll('.message.waiting').length") == 0
        assert (
            ada.run("return Object.keys(sessionStorage).filter((key) => key.includes('unsent')).length") == 0
        )
    # Over a reload as well.
    steps.write(ada, "swallowed twice")
    ada.run("location.reload()")
    ada.sees("Not confirmed yet.", ".message.waiting", patience=20)
    ada.click(".message.waiting .link")
    ada.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    ada.run("location.reload()")
    steps.connected(ada)
    steps.write(ada, "after the discarded ones")
    steps.settle(ada, ["after the discarded ones"])
    assert not {"spoiled", "swallowed", "swallowed twice"} & set(steps.texts(ada))


def half_a_character_is_sent_as_a_replacement(journey: Journey) -> None:
    """Half of a surrogate pair cannot be encoded. The message is sent without it instead of being refused."""
    ada = journey.ada
    ada.run(
        "const field = document.querySelector('#message'); field.value = 'half \\ud83d of it'; field.form.requestSubmit()"
    )
    steps.settle(ada, ["half \ufffd of it"])


def too_many_connections_are_explained(journey: Journey) -> None:
    """A window that is one too many explains it and stops. It connects when another one is closed."""
    ada, carol = journey.both
    journey.server.restart(CHAT_SOCKETS_PER_USER="1")
    steps.connected(ada)
    users_steps.sign_in_as_demo(carol, journey.server.url, "ada")
    carol.run("location.hash = '#/rooms/lobby'")
    carol.sees("Too many connections.", ".connection")
    assert carol.run("return document.querySelector('.conversation').dataset.connection") == "blocked"
    inspection.assert_no_faults(carol)
    ada.run("location.hash = '#/'")
    ada.sees("Welcome, Ada Lovelace")
    carol.click(".connection .link")
    steps.connected(carol)
    users_steps.sign_out(carol)
    journey.server.restart(CHAT_SOCKETS_PER_USER="20")
    steps.open_room(ada, "lobby")


def system_messages_look_like_what_they_are(journey: Journey) -> None:
    """A message of the system has no avatar, and is named as such on the screen and to screen readers."""
    ada = journey.ada
    command = "from apps.chat import services; services.post_system_message(slug='lobby', text='Maintenance at noon')"
    journey.server.manage("shell", "-c", command)
    ada.sees("Maintenance at noon", ".message.system")
    ada.sees(f"{PRODUCT.name} (system message)", ".message.system")
    assert ada.run("return document.querySelectorAll('.message.system .avatar').length") == 0
    ada.sees(f"{PRODUCT.name} (system message): Maintenance at noon", "#announcer")
    inspection.assert_accessible(ada)
