"""Checks of the packages that the locks pin: advisories, a bill of materials, floors.

    python scripts/supply.py audit      advisories (pip-audit) for every lock; says so where no source can be reached
    python scripts/supply.py sbom       sbom.cdx.json of the production image (CycloneDX), the same bytes each time
    python scripts/supply.py floors     no input and no lock is below the first release without a known vulnerability

The first two run in an environment of their own, made from requirements/supply.txt when it is missing or has changed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.version import Version

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "requirements"
TOOLS: Final = ROOT / ".venv" / "tools"
SBOM: Final = ROOT / "sbom.cdx.json"
# Releases before these have known vulnerabilities.
FLOORS: Final = {
    "django": Version("5.2.14"),
    "djangorestframework": Version("3.17.2"),
    "pyjwt": Version("2.13"),
    "h11": Version("0.16"),
}
# Sources that pip-audit knows, in the order in which they are asked.
SOURCES: Final = ("pypi", "osv")
_AWAY: Final = re.compile(
    r"ConnectionError|ServiceError|NameResolution|Max retries|timed? ?out|ProxyError|SSLError|503|502",
    re.IGNORECASE,
)
_PIN: Final = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)


def tools(name: str = "supply") -> Path:
    """The programs of the environment that `requirements/<name>.txt` locks, made when needed. Raises CalledProcessError."""
    folder, lock = TOOLS / name, FOLDER / f"{name}.txt"
    stamp = folder / "lock"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, str(folder)], check=True)
        strict = ["--require-hashes", "--only-binary", ":all:"]
        subprocess.run(
            [*uv, "pip", "sync", "--python", str(folder / "bin" / "python"), *strict, str(lock)], check=True
        )
        stamp.write_text(lock.read_text())
    return folder / "bin"


def locks() -> list[Path]:
    """Every lock file."""
    return sorted(FOLDER.glob("*.txt"))


def floors() -> list[str]:
    """Packages below their floor: inputs that would allow them, and locks that pin them."""
    faults = []
    for path in sorted(FOLDER.glob("*.in")):
        for wanted in requirements_of(path):
            floor = FLOORS.get(wanted.name.lower())
            if floor and not any(
                part.operator in (">=", "==", "~=") and Version(part.version) >= floor
                for part in wanted.specifier
            ):
                faults.append(f"requirements/{path.name} allows {wanted.name} below {floor}: {wanted}")
    for path in locks():
        for name, version in _PIN.findall(path.read_text()):
            floor = FLOORS.get(name.lower())
            if floor and Version(version) < floor:
                faults.append(f"requirements/{path.name} pins {name} {version}, which is below {floor}")
    return faults


def requirements_of(path: Path) -> Iterator[Requirement]:
    """The requirements that an input lists."""
    for line in path.read_text().splitlines():
        text = line.partition(" #")[0].strip()
        if text and not text.startswith(("#", "-")):
            yield Requirement(text)


def sbom(target: Path) -> None:
    """Write the bill of materials of what production installs. Raises CalledProcessError."""
    command = [str(tools() / "cyclonedx-py"), "requirements", "--output-reproducible", "--of", "JSON"]
    # Run inside the folder: what it notes of the file then has no path of this machine.
    subprocess.run([*command, "-o", str(target), "production.txt"], cwd=FOLDER, check=True)


def ask(source: str, lock: Path) -> tuple[list[dict[str, Any]], str]:
    """The report of a source about each package of a lock, or none and the reason. Raises CalledProcessError."""
    command = [str(tools() / "pip-audit"), "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    done = subprocess.run(
        [*command, "--timeout", "10", "-s", source, "-f", "json", "-r", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.startswith("{"):
        if not _AWAY.search(done.stderr):
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no answer")
        caused = re.search(r"Caused by (\w+)", last)
        return [], caused[1] if caused else last[:100]
    return list(json.loads(done.stdout)["dependencies"]), ""


def judged(answers: list[dict[str, Any]]) -> tuple[int, list[str], list[str]]:
    """The number of packages that were checked, the findings, and the packages that the source does not know."""
    found = [
        f"{answer['name']} {answer['version']}: {issue['id']}"
        + (f", mended in {', '.join(issue['fix_versions'])}" if issue["fix_versions"] else "")
        for answer in answers
        for issue in answer.get("vulns", ())
    ]
    unknown = [answer["name"] for answer in answers if "skip_reason" in answer]
    return len(answers) - len(unknown), found, unknown


def audit() -> int:
    """Ask about every lock. 1 for advisories; 0 for none, and where no source answers, which is said."""
    failed = False
    away: dict[str, str] = {}  # what one lock got no answer from is not asked about the next
    for lock in locks():
        for source in SOURCES:
            if source in away:
                continue
            answers, reason = ask(source, lock)
            count, found, unknown = judged(answers)
            if count:
                break
            away[source] = reason or "knows none of the packages"
        else:
            reasons = "; ".join(f"{source}: {reason}" for source, reason in away.items())
            print(f"{lock.name}: SKIPPED, no advisory source is reachable ({reasons})", flush=True)
            continue
        left = f", {len(unknown)} unknown to it" if unknown else ""
        print(f"{lock.name}: {count} packages judged by {source}{left}, {len(found)} advisories", flush=True)
        print("".join(f"  {line}\n" for line in found), end="", flush=True)
        failed = failed or bool(found)
    return 1 if failed else 0


def main(arguments: list[str]) -> int:
    match arguments:
        case ["audit"]:
            return audit()
        case ["sbom"]:
            sbom(SBOM)
            count = len(json.loads(SBOM.read_text())["components"])
            print(f"{SBOM.name}: {count} components of production, CycloneDX")
            return 0
        case ["floors"]:
            faults = floors()
            print("\n".join(faults) or "nothing is below its floor")
            return 1 if faults else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
