"""The result of an action in three formats: a table on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Form(StrEnum):
    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Rows below columns, remarks after them, and whether the check passed. `text` replaces rows where it is given."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    remarks: Sequence[str] = ()
    data: Any = None
    text: str = ""
    ok: bool = True
    findings: Sequence[str] = field(default_factory=tuple)


def show(report: Report, form: Form, out: IO[str]) -> None:
    if form is Form.JSON:
        out.write(json.dumps(report.data, indent=2) + "\n")
    elif report.text:
        out.write(report.text)
    elif form is Form.TABLE:
        from rich.console import Console

        _table(report, Console(file=out, highlight=False, emoji=False, markup=False, force_terminal=True))
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
        if _narrowest(report) <= console.width:
            console.print(table)
        else:  # a table this wide would break paths and names in the middle
            console.print(report.title, style="bold", markup=False)
            for row in report.rows:
                _block(report.columns, row, console)
    for line in report.findings:
        console.print(f"✗ {line}", style="red", markup=False)
    for line in report.remarks:
        console.print(
            f"✓ {line}" if report.ok else line, style="green" if report.ok else "yellow", markup=False
        )


def _narrowest(report: Report) -> int:
    """The width at which no word of the table is broken."""
    columns = zip(report.columns, *report.rows, strict=True)
    words = (max(len(word) for cell in column for word in cell.split()) for column in columns)
    return sum(length + 3 for length in words) + 1


def _block(columns: Sequence[str], row: Sequence[str], console: Console) -> None:
    """One row over several lines, one for each column that is not empty."""
    console.print(row[0], style="bold", markup=False, soft_wrap=True)
    width = max(map(len, columns))
    for column, value in zip(columns[1:], row[1:], strict=True):
        if value:
            console.print(f"    {column:<{width}}  {value}", markup=False, soft_wrap=True)
