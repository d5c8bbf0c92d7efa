"""What `make chaos` calls a failure, besides the ledgers of the slices."""

from __future__ import annotations

import contextlib

import pytest

from apps.common.tests.chaos import Call, Site
from config.tests.chaos import report
from config.tests.chaos.campaign import PATIENCE, Injection
from config.tests.chaos.faults import FAULTS, SHORT, Fault

FAULT = Fault(name="power cut", what="nothing runs", inject=lambda _: contextlib.nullcontext())


@pytest.mark.parametrize(
    ("status", "seconds", "faults"),
    [
        (200, 0.1, []),
        (404, 0.1, []),
        (503, 4.9, []),
        (507, 0.1, []),
        (0, 0.1, []),  # the process was killed
        (500, 0.1, ["GET x: 500"]),
        (502, 0.1, ["GET x: 502"]),
        (503, 7.1, ["GET x: 503 after 7.1 s"]),
        (0, 30.0, ["GET x: 0 after 30.0 s"]),
    ],
)
def test_errors_and_late_answers_are_faults(status: int, seconds: float, faults: list[str]) -> None:
    assert Call(at=0, seconds=seconds, status=status, name="GET x").faults() == faults


def test_what_has_not_recovered_or_too_late_is_a_fault() -> None:
    one = Injection(FAULT, 0, 0, {"REST": lambda: False, "sockets": lambda: True})
    one.look()
    assert list(one.recovered) == ["sockets"]
    one.recovered = {"sockets": PATIENCE - 1, "mails": PATIENCE + 1}
    assert one.overdue() == ["power cut: not recovered: REST", "power cut: not recovered: mails after 121 s"]


def test_the_report_shows_every_fault_escaped() -> None:
    site = Site(addresses=[], mails=[], calls=[Call(1, 0.5, 200, "GET x"), Call(2, 4, 503, "GET x")])
    injections = [Injection(FAULT, 1, 3, {}, {"REST": 1.25})]
    (row,) = report.rows(site, injections)
    assert (row["runs"], row["calls"], row["answered"], row["503"], row["slowest 503"]) == (
        "1 of 1",
        "2",
        "50.0 %",
        "1",
        "4.00 s",
    )
    site.faults.append("<lost>")
    page = report.page(site, injections, {"messages": 3}, {})
    assert "<li>&lt;lost&gt;</li>" in page
    assert "FAULT     <lost>" in report.text(site, injections, {"messages": 3}, {})


def test_the_short_run_consists_of_faults() -> None:
    assert set(SHORT) <= {fault.name for fault in FAULTS}
