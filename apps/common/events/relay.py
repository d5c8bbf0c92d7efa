"""The thread of a process that relays events after their commit. `publish` wakes it; the outbox sets its `work`."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.db import close_old_connections, connections

_STOP_SECONDS = 3.0
_PAUSE = 0.02
_log = structlog.get_logger(__name__)


class Relay:
    """Runs `work` when woken, and again after the seconds that it returns, if any.

    The thread starts at the first `wake`, so that processes which only fork have none; a forked child starts its own.
    Between two rounds it pauses for 20 ms, so that a burst of events is relayed in few rounds.
    At exit it has three seconds to finish its round. The sweep relays the remaining events.
    """

    def __init__(self, work: Callable[[], float | None] = lambda: None) -> None:
        self.work = work
        self._forget_thread()
        os.register_at_fork(after_in_child=self._forget_thread)
        atexit.register(self.stop)

    def _forget_thread(self) -> None:
        self._start_lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wake(self) -> None:
        """Run a round soon. Does nothing without OUTBOX_RELAY_THREAD."""
        if not settings.OUTBOX_RELAY_THREAD:
            return
        self._woken.set()
        if not self.is_running:
            self._start()

    def stop(self, *, timeout: float = _STOP_SECONDS) -> bool:
        """End the thread after its current round, until it is woken. Returns whether it ended in time."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return True
        self._stopping.set()
        self._woken.set()
        thread.join(timeout)
        return not thread.is_alive()

    def _start(self) -> None:
        with self._start_lock:
            if self.is_running:
                return
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="outbox-relay", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                # The interpreter is shutting down; the sweep relays the event.
                self._thread = None

    def _run(self) -> None:
        delay: float | None = None
        woken, stopping = self._woken, self._stopping
        try:
            while True:
                woken.wait(delay)
                ending = stopping.is_set()
                woken.clear()
                delay = self._round()
                if ending:
                    return
                if stopping.is_set():
                    # One more round for events that were published during the last one.
                    woken.set()
                stopping.wait(_PAUSE)
        finally:
            connections.close_all()

    def _round(self) -> float | None:
        try:
            return self.work()
        except Exception:  # noqa: BLE001  (logged; the thread must outlive a failed round)
            _log.exception("relay.round_failed")
            return 2.0
        finally:
            # Returns the connection to the pool, or drops a dead one.
            close_old_connections()


relay: Final = Relay()
"""The relay of this process."""
