"""Messages on the walk through the production shape (deploy/journey). Standard library only: no Django on that machine."""

from __future__ import annotations

import time
import uuid
from typing import Any

from deploy.journey.report import Report
from deploy.journey.traffic import PAUSE, Traffic
from deploy.journey.websocket import Closed, WebSocket
from deploy.journey.world import PRIVATE, Account, World

ROOMS = f"{PRIVATE}/chat/rooms"
SLUG = "journey"
MESSAGES = f"{ROOMS}/{SLUG}/messages/"
SOCKET = f"/ws/chat/{SLUG}/"


def new_message(text: str) -> dict[str, str]:
    """A message with a client id, which makes sending it twice safe."""
    return {"message": text, "client_id": str(uuid.uuid4())}


def all_messages(account: Account) -> list[dict[str, Any]]:
    """Every message of the room, oldest first."""
    found: list[dict[str, Any]] = []
    while True:
        last = found[-1]["seq"] if found else 0
        page = account.rest.expect(200, "GET", f"{MESSAGES}?after={last}&limit=100").json["results"]
        if not page:
            return found
        found += page


def stored(world: World) -> list[tuple[str, int, str]]:
    """The messages of the room."""
    return [
        (message["id"], message["seq"], message["message"]) for message in all_messages(world.account("bob"))
    ]


def steps(world: World, report: Report) -> None:
    """Rooms and messages, over REST and over sockets on both sides of the load balancer."""
    ada, bob = world.account("ada"), world.account("bob")

    def room() -> str:
        ada.rest.expect(201, "POST", f"{ROOMS}/", {"slug": SLUG, "name": "Journey", "is_private": False})
        bob.rest.expect(403, "POST", MESSAGES, new_message("not yet"))
        joined = bob.rest.call("POST", f"{ROOMS}/{SLUG}/join/")
        assert joined.status in (200, 201, 204), joined
        return "made, joined; closed to others before"

    def by_rest() -> str:
        sent = new_message("hello by REST")
        first = ada.rest.expect(201, "POST", MESSAGES, sent).json
        again = ada.rest.call("POST", MESSAGES, sent)
        assert again.status in (200, 201) and again.json["id"] == first["id"], again
        key = {"Idempotency-Key": "journey-" + sent["client_id"]}
        other = new_message("once")
        one = ada.rest.expect(201, "POST", MESSAGES, other, headers=key)
        two = ada.rest.expect(201, "POST", MESSAGES, other, headers=key)
        assert one.body == two.body
        assert [message["seq"] for message in all_messages(bob)] == [1, 2]
        return "seq 1 and 2; sent twice is stored once"

    def by_socket() -> str:
        listener = world.socket(bob, SOCKET, way="subprotocol")
        assert "sec-websocket-protocol: bearer" in listener.answer.lower(), listener.answer
        assert listener.until("welcome")["seq"] == 2
        speaker = world.socket(ada, SOCKET)
        speaker.until("welcome")
        sent = new_message("hello by WebSocket")
        begun = time.monotonic()
        speaker.send(sent)
        heard = listener.until("message")
        milliseconds = (time.monotonic() - begun) * 1000
        ack = speaker.until("ack")
        assert (ack["client_id"], ack["seq"], ack["id"]) == (sent["client_id"], 3, heard["id"]), (ack, heard)
        assert (heard["seq"], heard["message"], heard["from"]) == (3, sent["message"], ada.id), heard
        ada.rest.expect(201, "POST", MESSAGES, new_message("REST reaches sockets"))
        assert listener.until("message")["seq"] == 4
        listener.send({"type": "ping"})
        listener.until("pong")
        speaker.close()
        listener.close()
        return f"acknowledged and heard elsewhere after {milliseconds:.0f} ms"

    def replay() -> str:
        socket = world.socket(bob, f"{SOCKET}?after=1", way="query")
        socket.until("welcome")
        seen = [socket.until("message")["seq"] for _ in range(3)]
        assert seen == [2, 3, 4], seen
        socket.close()
        return "?after=1 brings 2, 3, 4"

    def refused() -> str:
        for account, path, code in ((None, SOCKET, 4401), (bob, "/ws/chat/no-such-room/", 4404)):
            found = world.socket(account, path).closing()
            assert found == code, (path, found)
        socket = world.socket(bob, SOCKET)
        socket.until("welcome")
        socket.send({"message": "x" * 60_000})
        found = socket.closing()
        assert found == 1009, found
        return "closed with 4401, 4404 and 1009"

    report.step("a room", room)
    report.step("messages by REST", by_rest)
    report.step("messages by WebSocket", by_socket)
    report.step("missed messages are replayed", replay)
    report.step("sockets of the chat that are refused", refused)


class Load:
    """For each account one writer over REST, one over a socket, and one listener."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._acknowledged: dict[str, tuple[str, int]] = {}
        self._heard: list[list[int]] = []
        self.jobs = [self._post, self._speak, self._listen]

    def outcome(self) -> str:
        """Compare acknowledged, stored and received messages."""
        messages = all_messages(self._traffic.accounts[0])
        by_id = {message["id"]: message["seq"] for message in messages}
        lost = [ack for ack in self._acknowledged.values() if by_id.get(ack[0]) != ack[1]]
        assert not lost, f"{len(lost)} of {len(self._acknowledged)} acknowledged messages lost"
        assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1)), "gaps in seq"
        for seqs in self._heard:
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "a listener missed, or heard twice"
        return f"{len(self._acknowledged)} messages acknowledged, 0 lost"

    def _acknowledge(self, sent: dict[str, str], ack: dict[str, Any]) -> None:
        with self._traffic.lock:
            self._acknowledged[sent["client_id"]] = (ack["id"], ack["seq"])

    def _post(self, account: Account) -> None:
        while not self._traffic.ended():
            sent = new_message("by REST")
            # The same client_id until it is acknowledged: sending twice is harmless, giving up is not.
            while (answer := self._traffic.call(account, "POST", MESSAGES, sent)) is None:
                if self._traffic.ended():
                    return
                time.sleep(PAUSE)
            self._acknowledge(sent, answer.json)
            time.sleep(PAUSE)

    def _speak(self, account: Account) -> None:
        socket = self._traffic.connect(account, SOCKET, again=False)
        while socket is not None and not self._traffic.ended():
            sent = new_message("by WebSocket")
            while socket is not None:
                try:
                    socket.send(sent)
                    ack = socket.until("ack", timeout=5)
                    if ack["client_id"] == sent["client_id"]:
                        self._acknowledge(sent, ack)
                        break
                except (Closed, TimeoutError):
                    socket = self._reconnect(account, socket, SOCKET)
            time.sleep(PAUSE)
        if socket is not None:
            socket.close()

    def _listen(self, account: Account) -> None:
        seqs: list[int] = []
        self._heard.append(seqs)
        socket = self._traffic.connect(account, SOCKET, again=False)
        while socket is not None and not self._traffic.ended():
            try:
                frame = socket.receive(timeout=0.5)
                if frame.get("type") == "message":
                    seqs.append(frame["seq"])
            except TimeoutError:
                continue
            except Closed:
                socket = self._reconnect(account, socket, f"{SOCKET}?after={seqs[-1]}" if seqs else SOCKET)
        if socket is not None:
            socket.close()

    def _reconnect(self, account: Account, socket: WebSocket, path: str) -> WebSocket | None:
        socket.close()
        return self._traffic.connect(account, path, again=True)
