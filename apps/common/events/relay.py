"""The thread of a process that hands on events after their commit. It sleeps until it is woken.

What it does in a round is the outbox's, which gives it its `work`; who publishes only wakes it.
"""

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
_log = structlog.get_logger(__name__)


class Relay:
    """Runs `work` when woken, and again after the seconds that it returns; None means: when woken.

    The thread starts at the first `wake`, so that processes which only fork never have one; a forked child starts its
    own. At exit it may finish its round, for up to three seconds. What remains is left to the sweep.
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
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def wake(self) -> None:
        """Have a round run soon. Does nothing where OUTBOX_RELAY_THREAD is off."""
        if not settings.OUTBOX_RELAY_THREAD:
            return
        self._woken.set()
        if not self.is_running:
            self._start()

    def stop(self, *, timeout: float = _STOP_SECONDS) -> bool:
        """End the thread after its current round; it starts again when woken. Returns whether it ended in time."""
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
                # The interpreter is shutting down: the sweep of another process takes over.
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
                    # One more round for what was published meanwhile.
                    woken.set()
        finally:
            connections.close_all()

    def _round(self) -> float | None:
        try:
            return self.work()
        except Exception:  # noqa: BLE001  (logged; the thread must outlive a failed round)
            _log.exception("relay.round_failed")
            return 2.0
        finally:
            # Gives the connection back to the pool, and drops one that has died.
            close_old_connections()


relay: Final = Relay()
"""The relay of this process."""
