"""`make chaos`: breaks what the product runs on, under traffic, and checks that nothing acknowledged is lost.

    python -m config.tests.chaos.campaign [--runs 5] [--short] [--report FILE] [FAULT …]

Two servers, two workers and two beats run on a PostgreSQL and a Valkey of their own. Slices send their traffic over REST
and sockets (`chaos` in their `tests/campaigns.py`) and note what was acknowledged. After each fault the campaign waits
until all has recovered by itself; after the last it compares what was acknowledged with what is stored, was heard and was
mailed. The exit code is 1 for everything that docs/operate.md calls a failure.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from apps.api.tests.hostile.campaign import tracebacks
from apps.common.tests.chaos import Site, Traffic
from config.tests.chaos import report, stack
from config.tests.chaos.faults import FAULTS, SHORT, Fault
from config.tests.chaos.stack import ROOT, Stack

NAMES: Final = ("ada", "bob", "cleo", "dan")
WARM_UP: Final = 3.0
SETTLE: Final = 10.0
"""Seconds after a fault until the next one, when something takes longer to recover."""
PATIENCE: Final = 120.0
"""Seconds within which all has to recover: the 90 s after which lost work runs again, and what a loaded machine adds."""


@dataclass(slots=True)
class Injection:
    """One fault: when it began and ended, and what has recovered after how many seconds."""

    fault: Fault
    began: float
    ended: float
    waits: dict[str, Callable[[], bool]]
    recovered: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """Note what has recovered since the last look."""
        for name in [name for name, is_so in self.waits.items() if is_so()]:
            self.recovered[name] = time.monotonic() - self.ended
            del self.waits[name]

    def overdue(self) -> list[str]:
        """What has not recovered, or too late."""
        late = [
            f"{name} after {seconds:.0f} s" for name, seconds in self.recovered.items() if seconds > PATIENCE
        ]
        return [f"{self.fault.name}: not recovered: {what}" for what in [*self.waits, *late]]


class Campaign:
    """Traffic in a thread of its own; faults in the main thread, which owns the processes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.site = Site(addresses=stack.addresses, mails=stack.mail.mails)
        self.counts: dict[str, int] = {}
        self.injections: list[Injection] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send()), daemon=True)
        self._is_prepared, self._is_sent, self._is_settled, self._is_reconciled = (
            threading.Event() for _ in range(4)
        )

    def run(self, faults: list[Fault], runs: int) -> None:
        """Inject each fault as often as asked, and reconcile."""
        from apps.common.tests.campaigns import contributions

        self._traffic: list[Traffic] = [make(self.site) for make in contributions("chaos")]
        self._thread.start()
        self._await(self._is_prepared.is_set)
        time.sleep(WARM_UP)
        for fault in faults:
            for _ in range(runs):
                self._inject(fault)
        self._await(lambda: not any(one.waits for one in self.injections))
        self.site.faults += [fault for one in self.injections for fault in one.overdue()]
        self.site.is_over = True
        if not self._await(self._is_sent.is_set):
            self.site.faults.append(
                f"what was sent is not acknowledged {PATIENCE:.0f} s after the last fault"
            )
            return
        if not self._await(self._events_are_done()):
            self.site.faults.append(f"events are not done {PATIENCE:.0f} s after the last fault")
        self._is_settled.set()
        if not self._await(self._is_reconciled.is_set):
            self.site.faults.append("what was acknowledged could not be read")
        self._check_work()

    async def _send(self) -> None:
        self.site.users += [await self.site.join(name) for name in NAMES]
        for traffic in self._traffic:
            await traffic.prepare()
        self._is_prepared.set()
        await asyncio.gather(*(traffic.run() for traffic in self._traffic))
        self._is_sent.set()
        await asyncio.to_thread(self._is_settled.wait)
        for traffic in self._traffic:
            self.counts |= await traffic.reconcile()
        self._is_reconciled.set()

    def _inject(self, fault: Fault) -> None:
        began = time.monotonic()
        with fault.inject(self.stack):
            time.sleep(fault.seconds)
        waits = dict(self._generic_waits())
        for traffic in self._traffic:
            waits |= traffic.mark()
        one = Injection(fault, began, time.monotonic(), waits)
        self.injections.append(one)
        self._await(lambda: not one.waits, SETTLE)
        left = f", not yet {', '.join(one.waits)}" if one.waits else ""
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in one.recovered.items())
        print(f"    {fault.name:20} recovered: {times}{left}", flush=True)
        self.stack.check()

    def _await(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Wait until a condition is true, at most so long. Raises SystemExit when the traffic has ended by an error."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            is_alive = self._thread.is_alive()
            for one in self.injections:
                one.look()
            if condition():
                return True
            if not is_alive:
                raise SystemExit("the traffic has ended by an error")
            time.sleep(0.05)
        return False

    def _generic_waits(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Every server answers, the events of now are done, and a schedule runs."""
        count = len(self.site.calls)

        def answers() -> bool:
            later = self.site.calls[count:]
            return len(later) > 20 and all(call.status not in (0, 503) for call in later[-20:])

        now = self.stack.query("SELECT now()")[0][0]
        yield "REST", answers
        yield "events", self._events_are_done(now)
        yield (
            "schedules",
            self._asked("SELECT max(last_run_at) > %s FROM django_celery_beat_periodictask", now),
        )

    def _events_are_done(self, until: object = "infinity") -> Callable[[], bool]:
        """Whether no event of before that time waits for its work."""
        return self._asked(
            "SELECT NOT EXISTS (SELECT FROM common_outboxevent WHERE done_at IS NULL AND created_at < %s)",
            until,
        )

    def _asked(self, sql: str, *values: object) -> Callable[[], bool]:
        """Returns a question to the database, which is asked twice a second at most."""
        asked = 0.0

        def is_so() -> bool:
            nonlocal asked
            if time.monotonic() < asked + 0.5:
                return False
            asked = time.monotonic()
            with contextlib.suppress(psycopg.Error):
                return bool(self.stack.query(sql, *values)[0][0])
            return False

        return is_so

    def _check_work(self) -> None:
        """No task has failed for good, no event was given up, and no schedule ran more often than it may."""
        for sql, what in (
            ("SELECT name || ': ' || error FROM common_deadtask", "dead task"),
            (
                "SELECT name || ': ' || last_error FROM common_outboxevent WHERE dead_at IS NOT NULL",
                "dead event",
            ),
            (
                """
                SELECT p.name || ' ran ' || total_run_count || ' times' FROM django_celery_beat_periodictask p
                JOIN django_celery_beat_intervalschedule i ON i.id = p.interval_id
                WHERE total_run_count > 1 + extract(epoch FROM now() - p.date_changed)
                    / extract(epoch FROM (i.every || ' ' || i.period)::interval)
                """,
                "too often",
            ),
        ):
            self.site.faults += [f"{what}: {row[0]}" for row in self.stack.query(sql)]


def main(arguments: list[str]) -> int:
    """Run the campaign, write the report, print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [fault.name for fault in FAULTS]
    parser.add_argument("fault", nargs="*", help=f"any of: {', '.join(names)}; all of them without it")
    parser.add_argument("--runs", type=int, default=1, help="how often each fault is injected")
    parser.add_argument("--short", action="store_true", help=f"only: {', '.join(SHORT)}")
    parser.add_argument("--report", type=Path, default=ROOT / ".data" / "chaos.html")
    options = parser.parse_args(arguments)
    if unknown := set(options.fault) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    wanted = options.fault or (SHORT if options.short else names)
    begun = time.monotonic()
    with stack.running() as running:
        os.environ.update(running.environment)
        import django

        django.setup()
        logging.getLogger("httpx").setLevel(logging.WARNING)
        campaign = Campaign(running)
        campaign.run([fault for fault in FAULTS if fault.name in wanted], options.runs)
        said = "".join(log.read_text(errors="replace") for log in running.folder.glob("*.log"))
        found = tracebacks(said)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(report.page(campaign.site, campaign.injections, campaign.counts, found))
    print(report.text(campaign.site, campaign.injections, campaign.counts, found))
    print(f"report    {options.report}, after {time.monotonic() - begun:.0f} s")
    return 1 if campaign.site.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
