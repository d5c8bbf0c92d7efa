"""`make fuzz`: its own server, ten thousand hostile calls, and checks of the answers.

Every operation of every zone gets its share of the corpus, with a valid credential. Asserted of each answer: no
5xx, no HTML below /api/, at most a second (a slow one is asked again, alone, before it counts); of the server: no
traceback in its log, and its memory within a tenth of its size after the warm-up.

    python -m apps.api.tests.hostile.campaign [--calls 12000] [--seed 1] [--all]
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import itertools
import os
import queue
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from apps.common.tests.campaigns import contributions
from infrastructure.embedded import children, postgres, servers

if TYPE_CHECKING:  # they need Django, which is set up once there is a database
    from apps.api.tests.hostile.plan import Call
    from apps.api.tests.hostile.world import World
    from infrastructure.server.tests.frames import Answer, Line

ROOT: Final = Path(__file__).resolve().parents[4]
LANES: Final = 4
SLOW: Final = 1.0  # seconds
GROWTH: Final = 1.10
WARM_UP: Final = 4  # the n-th part of the calls
ANY_RATE: Final = "1000000/minute"


@dataclass
class Tally:
    """The results of the calls."""

    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    slow: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, call: Call, answer: Answer) -> None:
        """Check one answer."""
        fault = fault_of(answer, call.path)
        with self.lock:
            self.statuses[answer.status] += 1
            self.seconds.append(answer.seconds)
            if answer.seconds > SLOW:
                self.slow.append(call)
            if fault:
                self.faults.append(f"{fault}: {call.method.decode()} {call.path} ({call.why})")


def fault_of(answer: Answer, path: str) -> str:
    """The fault of an answer, or nothing. No answer is correct for bytes that are no HTTP."""
    if answer.status >= 500:
        return f"{answer.status} {answer.body[:200]!r}"
    if not path.startswith("/api/"):
        return ""  # a path that was altered may be a page's
    if "html" in answer.content_type.lower():
        return f"HTML with {answer.status}"
    if answer.status >= 400 and answer.body and "problem+json" not in answer.content_type:
        return f"{answer.status} is no problem document"
    return ""


class Lane:
    """One client: its own connection and world."""

    def __init__(self, number: int, port: int, line: Line, world: World) -> None:
        self.number, self.port, self.line, self.world = number, port, line, world
        self._addresses = itertools.count(1)

    def send(self, call: Call) -> Answer:
        """One call as this client's user. Raises TimeoutError."""
        from apps.api.tests.hostile.plan import HOLE

        path = self.world.fill(call.path).encode()
        target = path.replace(HOLE.encode(), call.piece or b"") + (b"?" + call.query if call.query else b"")
        given = {name.lower() for name, _ in call.headers}
        address = next(self._addresses)
        usual = [
            (b"Host", f"127.0.0.1:{self.port}".encode()),
            (b"Authorization", self.world.credential(call.floor).encode()),
            (b"X-Forwarded-For", f"198.{18 + self.number}.{address // 250 % 250}.{address % 250}".encode()),
        ]
        if call.content_type is not None:
            usual.append((b"Content-Type", call.content_type))
        headers = (*(pair for pair in usual if pair[0].lower() not in given), *call.headers)
        answer = self.line.ask(call.method, target, headers, call.body, is_chunked=call.is_chunked)
        ended = answer.status == 401 and b"authorization" not in given and b"cookie" not in given
        if ended or (call.method == b"DELETE" and answer.status < 300):
            self.world.renew()
        return answer


@contextlib.contextmanager
def server(data: Path) -> Iterator[tuple[int, subprocess.Popen[bytes], Path]]:
    """The server of `make run` on throwaway engines, with rates that let everything through: port, process, log."""
    with servers.throwaway({}) as engines:
        port = postgres.free_port()
        os.environ.update(
            engines.urls,
            DJANGO_SETTINGS_MODULE="config.settings.development",
            DJANGO_READ_DOT_ENV="0",
            TRUSTED_PROXY_COUNT="1",
            DATA_DIR=str(data),
            **children.ALLOCATOR,
            **dict.fromkeys(("RATES_PUBLIC", "RATES_PRIVATE", "RATES_INTERNAL", "RATES_ADMIN"), ANY_RATE),
        )
        manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(manage, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        log = data / "server.log"
        with log.open("wb") as output:
            command = [sys.executable, "-X", "faulthandler", "-m", "config.serve", "--port", str(port)]
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        try:
            for _ in range(600):
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                        break
                if process.poll() is not None:
                    raise SystemExit(f"the server did not start:\n{log.read_text()[-3000:]}")
                time.sleep(0.1)
            yield port, process, log
        finally:
            process.terminate()
            process.wait(30)


def chosen(wanted: int, seed: int, *, everything: bool) -> list[Call]:
    """The calls in an order that mixes them; each kind of call is as likely as any other to be among the first."""
    from apps.api.tests.hostile import plan

    found = list(plan.calls())
    random.Random(seed).shuffle(found)
    if everything:
        return found
    return list(itertools.islice(itertools.cycle(found), wanted))


def run(lanes: list[Lane], calls: list[Call], tally: Tally) -> None:
    """Send all of them, over all lanes."""
    from django.db import connections

    waiting: queue.SimpleQueue[Call] = queue.SimpleQueue()
    for call in calls:
        waiting.put(call)

    def work(lane: Lane) -> None:
        while True:
            try:
                call = waiting.get_nowait()
            except queue.Empty:
                connections.close_all()
                return
            try:
                tally.note(call, lane.send(call))
            except OSError as error:
                lane.line.close()
                with tally.lock:
                    kind = "no answer" if isinstance(error, TimeoutError) else "no server"
                    tally.faults.append(f"{kind}: {call.method.decode()} {call.path} ({call.why})")
                if kind == "no server":
                    return

    threads = [threading.Thread(target=work, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        threads[0].join(10)
        if not sys.stdout.isatty():
            continue
        print(f"\r{len(tally.seconds):6} calls", end="", flush=True)
    for thread in threads:
        thread.join()


def ask_again(lane: Lane, tally: Tally) -> None:
    """A slow answer counts only when it is slow alone, three times in a row."""
    for call in tally.slow[:50]:
        if all(lane.send(call).seconds > SLOW for _ in range(3)):
            tally.faults.append(f"over {SLOW:.0f} s: {call.method.decode()} {call.path} ({call.why})")


def send_raw(port: int, tally: Tally) -> int:
    """Send bytes that are no HTTP, two requests at once, and broken handshakes. Returns the number of requests."""
    from apps.common.testing.users import UserFactory
    from infrastructure.server.tests import frames as wire
    from infrastructure.server.tests import raw_requests

    for name, sent in raw_requests.SMUGGLING.items():
        said = wire.converse(port, sent)
        statuses = re.findall(rb"^HTTP/1\.[01] (\d{3})", said, re.MULTILINE)
        if len(statuses) > 1 or any(not status.startswith(b"4") for status in statuses):
            tally.faults.append(f"{name}: answered by {[status.decode() for status in statuses]}")
    paths = ["/ws/example/", *(path(UserFactory.create()) for path in contributions("socket_path"))]
    handshakes = [found for path in paths for found in raw_requests.handshakes_to(path).items()]
    for name, sent in handshakes:
        said = wire.converse(port, sent, enough=wire.has_head)
        status = re.match(rb"HTTP/1\.1 (\d{3})", said)
        if status is None or status[1].startswith(b"5"):
            tally.faults.append(f"handshake of {name}: {said[:100]!r}")
    return len(raw_requests.SMUGGLING) + len(handshakes)


def resident(pid: int) -> int:
    """Memory of a process in kB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


def settled(pid: int, *, below: float = 0.0) -> int:
    """The memory once it is stable or low enough; ten seconds at most."""
    seen = [resident(pid)]
    for _ in range(20):
        time.sleep(0.5)
        seen.append(resident(pid))
        if seen[-1] <= below or len(set(seen[-4:])) == 1:
            break
    return seen[-1]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="each call once, however many there are")
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-") as folder,
        server(Path(folder)) as (port, process, log),
    ):
        import django

        django.setup()
        from django.test.utils import override_settings

        from apps.api.tests.hostile.world import World
        from infrastructure.server.tests.frames import Line

        tally = Tally()
        # Hundreds of accounts are created, and their passwords are not used.
        with override_settings(ARGON2_MEMORY_KIB=8, OUTBOX_RELAY_THREAD=False):
            lanes = [Lane(number, port, Line(port), World(f"{number}")) for number in range(LANES)]
            calls = chosen(options.calls, options.seed, everything=options.all)
            warm = len(calls) // WARM_UP
            run(lanes, calls[:warm], tally)
            before = settled(process.pid)
            curve = [before]
            for start in range(warm, len(calls), step := len(calls) // 8):
                run(lanes, calls[start : start + step], tally)
                curve.append(resident(process.pid))
            ask_again(lanes[0], tally)
        if process.poll() is not None:
            said = log.read_text(errors="replace")[-20_000:]
            raise SystemExit(f"the server ended with {process.returncode}:\n{said}")
        raw_count = send_raw(port, tally)
        after = settled(process.pid, below=before * GROWTH)
        if after > before * GROWTH:
            tally.faults.append(f"memory grew from {before // 1024} to {after // 1024} MB")
        said = log.read_text(errors="replace")
        tally.faults += [f"traceback: {end} × {count}" for end, count in tracebacks(said).items()]
    curve.append(after)
    report(tally, raw_count, curve, time.monotonic() - begun)
    return 1 if tally.faults else 0


def tracebacks(said: str) -> collections.Counter[str]:
    """The last lines of all tracebacks in a log."""
    found: collections.Counter[str] = collections.Counter()
    for trace in said.split("Traceback (most recent call last):\n")[1:]:
        frames, last = [], ""
        for line in trace.splitlines():
            if line.startswith("  "):
                frames += [line.strip()] if line.startswith("  File") else []
            elif line:
                last = line
                break
        found[f"{last[:200]} at {frames[-1] if frames else '?'}"] += 1
    return found


def report(tally: Tally, raw_count: int, curve: list[int], took: float) -> None:
    """The summary."""
    seconds = sorted(tally.seconds)
    shares: Any = statistics.quantiles(seconds, n=1000)
    statuses = "  ".join(
        f"{status or 'silence'} × {count}" for status, count in sorted(tally.statuses.items())
    )
    print(
        f"{len(seconds)} hostile calls and {raw_count} that are no HTTP or handshake at a socket, in {took:.0f} s"
    )
    print(f"statuses  {statuses}")
    print(
        f"seconds   median {shares[499]:.3f}, 99 % {shares[989]:.3f}, 99.9 % {shares[998]:.3f}, worst {seconds[-1]:.3f}; "
        f"{len(tally.slow)} over {SLOW:.0f} s at first"
    )
    print(
        f"memory    {curve[0] // 1024} MB warm, {curve[-1] // 1024} MB afterwards ({curve[-1] / curve[0] - 1:+.1%}); "
        f"on the way {' '.join(str(size // 1024) for size in curve[1:-1])}"
    )
    kinds = collections.Counter(fault.partition(":")[0] for fault in tally.faults)
    for fault in tally.faults[:40]:
        print(f"FAULT     {fault}")
    print(f"{len(tally.faults)} faults" + (f": {dict(kinds)}" if kinds else ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
