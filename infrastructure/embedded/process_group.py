"""Watches processes in one loop: their output, their exits, and the signals sent to this process. Knows no order or policy.

Single-threaded, since the kernel ties a child's life to the thread that started it.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from infrastructure.embedded import console, processes

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """The stack has to end: with 0 on request, else because of a fault."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Member:
    """One process of the stack, by its name in the log."""

    name: str
    process: subprocess.Popen[bytes]
    since: float

    @property
    def output(self) -> int:
        """The descriptor of its output; -1 once that is closed."""
        return (
            -1 if self.process.stdout is None or self.process.stdout.closed else self.process.stdout.fileno()
        )


class ProcessGroup:
    """The running processes. Only `pump` waits."""

    def __init__(self, log: console.Console) -> None:
        self.log = log
        self.members: dict[str, Member] = {}
        self.asked = 0  # how often the end was requested
        self.changed = False  # whether the watcher has reported a change of the code
        self.selector = selectors.DefaultSelector()

    def listen(self) -> None:
        """Handle signals from now on; each wakes the loop through a socket."""
        self.ear, self.mouth = socket.socketpair()
        self.ear.setblocking(False)
        self.mouth.setblocking(False)
        self.selector.register(self.ear, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(self.mouth.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, self.note)
        signal.signal(signal.SIGUSR1, self.note_change)

    def close(self) -> None:
        """Close the sockets; signals are only counted from now on."""
        signal.set_wakeup_fd(-1)
        self.selector.close()
        self.ear.close()
        self.mouth.close()

    def note(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1

    def note_change(self, number: int, frame: FrameType | None) -> None:
        self.changed = True

    def add(self, name: str, process: subprocess.Popen[bytes]) -> Member:
        """Watch a process and show its output."""
        member = self.members[name] = Member(name, process, time.monotonic())
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self.selector.register(process.stdout, selectors.EVENT_READ, name)
        return member

    def pump(self, patience: float) -> None:
        """Wait up to that many seconds, showing output meanwhile."""
        for key, _ in self.selector.select(patience):
            if key.data is None:
                self.ear.recv(64)
            elif not self.read(self.members[key.data]):
                self.selector.unregister(key.fileobj)

    def read(self, member: Member) -> bool:
        """Show up to one buffer of output. False when nothing is left for now."""
        try:
            data = os.read(member.output, 65536)
        except BlockingIOError:
            return True
        if data:
            self.log.feed(member.name, data)
        return bool(data)

    def dead(self) -> list[Member]:
        """The processes that have ended and were not dismissed yet."""
        return [member for member in self.members.values() if member.process.poll() is not None]

    def dismiss(self, member: Member) -> int:
        """Kill the rest of a process's group and show its last output. Returns its exit code."""
        process = member.process
        processes.kill_group(process)
        if process.stdout is not None and not process.stdout.closed:
            # A process that left the group may hold the pipe open: read without waiting.
            for _ in range(64):
                before = self.log.count
                if not self.read(member) or self.log.count == before:
                    break
            if process.stdout in self.selector.get_map():
                self.selector.unregister(process.stdout)
            process.stdout.close()
        self.log.finish(member.name)
        del self.members[member.name]
        return process.returncode

    def end(self, name: str, steps: tuple[tuple[signal.Signals, float], ...], *, quiet: bool = False) -> None:
        """End a process: each signal in turn, with the seconds it may take. A further request to end skips the last wait."""
        member = self.members.get(name)
        if member is None:
            return
        asked = self.asked
        for number, patience in steps:
            member.process.send_signal(number)
            self.pump_until(lambda: member.process.poll() is not None or self.asked > asked, patience)
            if member.process.poll() is not None:
                break
            if number != steps[-1][0] and not quiet:
                what = "asked again" if self.asked > asked else f"still there after {patience:.0f} s"
                self.log.say(f"{name}: {what}, ending it by {steps[min(len(steps) - 1, 1)][0].name}")
        self.dismiss(member)

    def pump_until(self, done: Callable[[], bool], patience: float) -> bool:
        """Pump until a condition holds or the time is up."""
        deadline = time.monotonic() + patience
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.pump(min(left, 0.02))
        return True
