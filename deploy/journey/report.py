"""Runs the steps one after the other, tells how each went, and sums up. A step is a function; a failing one raises."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable


class Report:
    """Passed and failed steps, with times."""

    def __init__(self) -> None:
        self.rows: list[tuple[bool, str, float, str]] = []

    @property
    def failed(self) -> int:
        """The number of failed steps so far."""
        return sum(not row[0] for row in self.rows)

    def step(self, name: str, run: Callable[[], str | None]) -> bool:
        """Run one step; the text that it returns is shown beside it. False when it failed."""
        begun = time.monotonic()
        try:
            note, passed = run() or "", True
        except Exception as error:  # noqa: BLE001 (whatever goes wrong in a step is that step's outcome)
            place = traceback.extract_tb(error.__traceback__)[-1]
            note, passed = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})", False
        self.rows.append((passed, name, time.monotonic() - begun, note))
        sys.stdout.write(self._line(self.rows[-1]))
        sys.stdout.flush()
        return passed

    def _line(self, row: tuple[bool, str, float, str]) -> str:
        passed, name, seconds, note = row
        return f"{'ok  ' if passed else 'FAIL'} {seconds:6.1f} s  {name:<58} {note}\n"

    def summary(self) -> int:
        """Print the failures once more and the last line. The exit status."""
        if self.failed:
            sys.stdout.write("\nWhat failed:\n")
            # Its full output is further up.
            sys.stdout.writelines(self._line((*row[:3], row[3][:200])) for row in self.rows if not row[0])
        seconds = sum(row[2] for row in self.rows)
        sys.stdout.write(
            f"\nin {seconds:.0f} s: {len(self.rows) - self.failed} passed, {self.failed} failed\n"
        )
        return 1 if self.failed or not self.rows else 0
