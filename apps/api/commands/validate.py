"""`zones validate`: checks the table, the routes, the codes and every schema, one line each."""

from __future__ import annotations

from collections.abc import Callable

from apps.api.commands.report import Report
from apps.api.openapi import error_codes
from apps.api.openapi.schema import SchemaInvalid
from apps.api.zones import checks, mounting


def validate(progress: Callable[[str], None]) -> Report:
    """All that can be wrong, at once. `progress` hears of each part as it begins."""
    progress("table")
    mistakes = checks.table_mistakes()
    findings = [f"api.{mistake.id} {mistake} {mistake.hint}" for mistake in mistakes]
    passed = [] if mistakes else ["table"]
    progress("codes")
    clashes = error_codes.clashes()
    findings += [f"api.E022 The code '{code}' has the statuses {statuses}." for code, statuses in clashes]
    if not mistakes:
        progress("ownership")
        unowned = list(checks.unowned())
        findings += [f"api.E019 The route '{route}' belongs to no zone." for route in unowned]
        for document in mounting.mounted().documents:
            name = f"schema {document.zone.name}/{document.version.name}"
            progress(name)
            try:
                document.data()
            except SchemaInvalid as error:
                findings += [f"{name}: {finding}" for finding in error.findings]
            else:
                passed.append(name)
    ok = not findings
    return Report(
        title="Validation",
        findings=findings,
        remarks=passed if ok else [*passed, f"{len(findings)} mistakes"],
        data={"ok": ok, "findings": findings, "passed": passed},
        ok=ok,
    )
