"""The outcome of an action, and its three forms: a table on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Form(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Rows below columns, remarks after them, and whether all is well. `text` replaces rows where it is given."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    remarks: Sequence[str] = ()
    data: Any = None
    text: str = ""
    ok: bool = True
    findings: Sequence[str] = field(default_factory=tuple)


def show(report: Report, form: Form, out: IO[str]) -> None:
    """Print a report."""
    if form is Form.JSON:
        out.write(json.dumps(report.data, indent=2) + "\n")
    elif report.text:
        out.write(report.text)
    elif form is Form.TABLE:
        from rich.console import Console

        _table(report, Console(file=out, highlight=False, force_terminal=True))
    else:
        for row in report.rows:
            out.write("\t".join(row) + "\n")
        for line in (*report.findings, *report.remarks):
            out.write(line + "\n")


def _table(report: Report, console: Console) -> None:
    if report.rows:
        from rich.table import Table

        table = Table(title=report.title, title_justify="left", header_style="bold")
        for column in report.columns:
            table.add_column(column, overflow="fold")
        for row in report.rows:
            table.add_row(*row)
        console.print(table)
    for line in report.findings:
        console.print(f"✗ {line}", style="red", markup=False)
    for line in report.remarks:
        console.print(
            f"✓ {line}" if report.ok else line, style="green" if report.ok else "yellow", markup=False
        )
