"""Gives a test session throwaway servers of its own, and fails it when a test was skipped.

Registered in pytest.ini. The first process starts one PostgreSQL and one Valkey before Django reads its settings and
exports DATABASE_URL and REDIS_URL; parallel processes inherit them. pytest-django gives each its own database; each
gets four Valkey databases of its own: process n finds n*4 in REDIS_URL and may use the three after it. Where both
variables are set from outside, those servers are used; mind that tests empty the Valkey databases they use.

A skip is a failure, or a missing service would go unnoticed. The one exception is a test that cannot mean anything
on the system at hand: its reason begins with "not on this platform".
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
from collections.abc import Generator
from types import FrameType

import pytest

from infrastructure.embedded import servers

ALLOWED = "not on this platform"
SHARE = 4  # Valkey databases for each process
WORKER = re.compile(r"gw(\d+)")
SKIPS = pytest.StashKey[list[str]]()


def share_of(url: str, worker: int) -> str:
    """The same server, at the first of a worker's own databases."""
    base, _, query = url.partition("?")
    server, _, number = base.rpartition("/")
    if not number.isdecimal():  # redis://host:port without a database means 0
        server, number = base.rstrip("/"), "0"
    return f"{server}/{int(number) + worker * SHARE}" + (f"?{query}" if query else "")


def terminated(number: int, frame: FrameType | None) -> None:
    """Exit through pytest, so that the servers are stopped and removed."""
    pytest.exit("terminated", returncode=128 + number)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Run before pytest-django reads the settings: as a wrapper, in any order of plugins."""
    early_config.stash[SKIPS] = []
    if worker := WORKER.fullmatch(os.environ.get("PYTEST_XDIST_WORKER", "")):
        os.environ["REDIS_URL"] = share_of(os.environ["REDIS_URL"], int(worker[1]))
    else:
        signal.signal(signal.SIGTERM, terminated)
        stack = contextlib.ExitStack()
        early_config.add_cleanup(stack.close)
        os.environ.update(stack.enter_context(servers.throwaway(servers.from_environment())).urls)
    return (yield)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason of a skip, as its author wrote it."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


class SkipWatch:
    """Collects skipped tests in the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.skips = config.stash[SKIPS]

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        # An expected failure is reported as skipped, too; it did run.
        if report.skipped and not hasattr(report, "wasxfail") and not reason_of(report).startswith(ALLOWED):
            self.skips.append(f"{report.nodeid}: {reason_of(report)}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skips and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skips:
            terminalreporter.section("skipped tests count as failures", red=True)
            for line in self.skips:
                terminalreporter.line(line)


def pytest_collection_finish() -> None:
    """Exempt what is loaded by now from garbage collection."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SkipWatch(config), "skips")
