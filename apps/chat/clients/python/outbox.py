"""Messages that are not acknowledged, in order, and the futures of their acknowledgements. No I/O."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import islice
from typing import Final

from apps.chat.clients.python.frames import AckFrame, Draft
from apps.common.client_runtime.python.pacing import Allowance, wait_before
from apps.common.client_runtime.python.reconnecting_socket import SocketStopped

WINDOW: Final = 32  # messages in flight; the server reads on while it has fewer than 64
MOST: Final = 1_000
PER_SECOND: Final = 15  # frames; the server allows 20
BURST: Final = 60  # frames at once; the server allows 100


class ChatRefused(Exception):
    """The server refused a message. `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}")


class _Waiting:
    """A message and the future of its acknowledgement."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.is_sent = False
        self.acked: asyncio.Future[AckFrame] = asyncio.get_running_loop().create_future()
        # Callers who do not await the future need not handle its exception.
        self.acked.add_done_callback(lambda done: done.cancelled() or done.exception())


class Outbox:
    """The messages of a socket. Every frame that the socket sends counts against `allowance`."""

    def __init__(self) -> None:
        self.allowance = Allowance(per_second=PER_SECOND, burst=BURST)
        self._waiting: dict[str, _Waiting] = {}
        self._held_until = 0.0

    @property
    def drafts(self) -> tuple[Draft, ...]:
        return tuple(waiting.draft for waiting in self._waiting.values())

    @property
    def biggest(self) -> str | None:
        """The `client_id` of the biggest message in flight."""
        sent = [waiting.draft for waiting in self._waiting.values() if waiting.is_sent]
        return max(sent, key=lambda draft: len(json.dumps(draft)))["client_id"] if sent else None

    def add(self, draft: Draft) -> asyncio.Future[AckFrame]:
        """Keep a message until it is acknowledged. Raises ChatRefused when the outbox is full."""
        if len(self._waiting) >= MOST:
            raise ChatRefused("too_many_unsent", "Too much is unsent.")
        waiting = self._waiting[draft["client_id"]] = _Waiting(draft)
        return waiting.acked

    def acknowledge(self, ack: AckFrame) -> None:
        """Settle a message that the server has stored."""
        waiting = self._waiting.pop(ack["client_id"], None)
        if waiting is not None and not waiting.acked.done():
            waiting.acked.set_result(ack)

    def refuse(self, code: str, detail: str, client_id: str | None) -> None:
        """Settle a message that the server has refused."""
        waiting = self._waiting.get(client_id) if client_id is not None else None
        if waiting is None:
            return
        if code == "unavailable":
            # The server cannot store anything at the moment: keep the message and send it again in a second or two.
            waiting.is_sent = False
            self._held_until = time.monotonic() + 1 + wait_before(1)
            return
        del self._waiting[waiting.draft["client_id"]]
        if not waiting.acked.done():
            waiting.acked.set_exception(ChatRefused(code, detail))

    def begin(self) -> None:
        """Send everything again, on a new connection."""
        self.allowance.refill()
        for waiting in self._waiting.values():
            waiting.is_sent = False

    def next_due(self) -> tuple[Draft | None, float | None]:
        """Returns the next message and counts it as sent; or None and the seconds to wait (None: until a frame arrives)."""
        for waiting in islice(self._waiting.values(), WINDOW):
            if not waiting.is_sent:
                wait = max(self._held_until - time.monotonic(), self.allowance.wait())
                if wait > 0:
                    return None, wait
                waiting.is_sent = True
                return waiting.draft, None
        return None, None

    def stop(self, code: int) -> None:
        """Fail the futures. The messages stay, for another socket."""
        for waiting in self._waiting.values():
            if not waiting.acked.done():
                waiting.acked.set_exception(SocketStopped(code))
