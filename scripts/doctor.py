"""`make doctor`: what is wrong with this checkout or its installation, and what to do about it. Standard library only.

    python3 scripts/doctor.py           one block for each finding
    python3 scripts/doctor.py --json    {"findings": [...], "passed": [...], "not_checked": [...]}

Needs nothing but a Python: what it can check only with the environment or running servers it leaves out and says so. It
changes nothing. The exit code is 1 if there are findings.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.doctor_checks import CHECKS, Checkout, NotChecked


@dataclass(frozen=True)
class Finding:
    check: str
    problem: str
    remedy: str


@dataclass
class Report:
    findings: list[Finding] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    not_checked: dict[str, str] = field(default_factory=dict)


def examine(checkout: Checkout) -> Report:
    """Run every check."""
    report = Report()
    for name, check in CHECKS.items():
        try:
            found = [Finding(name, problem, remedy) for problem, remedy in check(checkout)]
        except NotChecked as reason:
            report.not_checked[name] = str(reason)
            continue
        report.findings += found
        if not found:
            report.passed.append(name)
    return report


def main(arguments: list[str]) -> int:
    """Print the report."""
    if arguments not in ([], ["--json"]):
        sys.stderr.write(__doc__ or "")
        return 2
    report = examine(Checkout())
    if arguments:
        print(json.dumps(asdict(report), indent=2))
    else:
        for finding in report.findings:
            print(f"{finding.check}: {finding.problem}\n    → {finding.remedy}")
        for name, reason in report.not_checked.items():
            print(f"{name}: not checked, {reason}")
        print(f"Findings: {len(report.findings)}. In order: {', '.join(report.passed) or 'nothing'}")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
