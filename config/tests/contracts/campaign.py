"""`make contract-test`: Schemathesis with all checks over each zone's schema, against a server with throwaway data.

    python -m config.tests.contracts.campaign [--zone private] [--examples 60] [--seed 1]

Prints the cases of each zone and the failures; exits 1 on any failure, and with fewer cases than required.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from infrastructure.embedded import servers
from infrastructure.embedded.postgres import free_port

if TYPE_CHECKING:  # Django is set up once its servers are there
    from apps.api.openapi.documents import Document

ROOT: Final = Path(__file__).resolve().parents[3]
HERE: Final = Path(__file__).resolve().parent
LOCK: Final = ROOT / "requirements" / "contracts.txt"
ENVIRONMENT: Final = ROOT / ".venv" / "tools" / "contracts"
PASSWORD: Final = "a-stone-upon-a-stone-2026"
# Calls end accounts: as many as there can be calls that do so.
USERS: Final = 400
ADMINS: Final = 200
LEAST_CASES: Final = 5_000
PATIENCE: Final = 60  # seconds until the server answers
SHOWN_ERRORS: Final = 20  # of the server's log
LIMIT: Final = 480  # seconds for one document


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one version of one zone."""

    name: str
    cases: int
    operations: int
    seconds: float
    ok: bool
    said: str


def tool() -> Path:
    """Schemathesis in its own environment, installed from its lock if missing."""
    program = ENVIRONMENT / "bin" / "schemathesis"
    stamp = ENVIRONMENT / "lock.sha256"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not (program.exists() and stamp.exists() and stamp.read_text() == digest):
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        uv: list[str | Path] = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--python", sys.executable, ENVIRONMENT], check=True)
        install: list[str | Path] = [
            *uv,
            "pip",
            "install",
            "--python",
            ENVIRONMENT / "bin" / "python",
            "--require-hashes",
        ]
        subprocess.run([*install, "--only-binary", ":all:", "-r", LOCK], check=True)
        stamp.write_text(digest)
    return program


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A server over throwaway data, as its URL, and its environment. Its rates refuse no call."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with servers.throwaway({}) as databases:
        environment = {
            **os.environ,
            **databases.urls,
            "DJANGO_READ_DOT_ENV": "0",
            "DJANGO_SETTINGS_MODULE": "config.tests.contracts.settings",
            "DATA_DIR": str(folder / "data"),
            "PUBLIC_URL": url,
            "ACCESS_TOKEN_SECONDS": "3600",
            **{f"RATES_{zone}": "1000000/minute" for zone in ("PUBLIC", "PRIVATE", "INTERNAL", "ADMIN")},
        }
        manage: list[str | Path] = [
            sys.executable,
            "manage.py",
            "prepare",
            "--demo",
            "--summary",
            folder / "summary.json",
        ]
        subprocess.run(manage, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120)
        with (folder / "server.log").open("wb") as log:
            command = [sys.executable, "-m", "config.serve", "--port", str(port)]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait(url, process, folder / "server.log")
            yield url, environment
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{log.read_text()[-3000:]}")


def make_users(environment: dict[str, str]) -> None:
    """Create the accounts that call, and rows of slices for them, in this process with the server's settings."""
    os.environ.update(environment)
    import django

    django.setup()
    from django.utils import timezone

    from apps.common.tests.campaigns import contributions
    from apps.users.models import Role, User

    now = timezone.now()
    users = []
    for kind, number in ((Role.USER, USERS), (Role.ADMIN, ADMINS)):
        for position in range(number):
            user = User.objects.create_user(
                address(kind, position),
                PASSWORD,
                name=f"{kind} {position}",
                role=kind,
                email_verified_at=now,
            )
            if kind == Role.USER:
                users.append(user)
    for prepare in contributions("prepare"):
        prepare(users)


def address(kind: str, position: int) -> str:
    """The e-mail address of one of the accounts."""
    return f"{kind}-{position}@example.com"


def setup_of(zone: str, url: str, folder: Path) -> dict[str, Any]:
    """The setup for `hooks`: a permanent header, or accounts to sign in with."""
    lasting = {"internal": f"Api-Key {json.loads((folder / 'summary.json').read_text())['service_key']}"}
    kind, number = {"admin": ("admin", ADMINS)}.get(zone, ("user", USERS))
    # The public zone starts from the other end: it and the private one call at the same time.
    order = range(number) if zone != "public" else range(number - 1, -1, -1)
    return {
        "zone": zone,
        "header": lasting.get(zone),
        "accounts": [address(kind, position) for position in order],
        "password": PASSWORD,
        "login": f"{url}/api/public/v1/auth/login/",
    }


def run(document: Document, url: str, folder: Path, options: argparse.Namespace) -> Outcome:
    """One version of one zone."""
    begun = time.monotonic()
    name = f"{document.zone.name}.{document.version.name}"
    schema, setup, report = (folder / f"{name}.{end}.json" for end in ("schema", "setup", "report"))
    schema.write_text(json.dumps(document.data()))
    setup.write_text(json.dumps(setup_of(document.zone.name, url, folder)))
    command: list[str | Path] = [tool(), "--config-file", HERE / "schemathesis.toml", "run", schema]
    command += [
        "--url",
        url,
        "--checks",
        "all",
        "--no-color",
        "--report",
        "json",
        "--report-json-path",
        report,
    ]
    command += ["--max-examples", str(options.examples), "--seed", str(options.seed)]
    environment = {
        **os.environ,
        "CONTRACT_SETUP": str(setup),
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
    }
    log = folder / f"{name}.log"
    with log.open("wb") as said:
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdout=said, stderr=said, timeout=LIMIT, check=False
            )
            code = done.returncode
        except subprocess.TimeoutExpired:
            said.write(f"not done after {LIMIT} s\n".encode())
            code = -1
    figures: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
    tested = figures.get("operations", {})
    return Outcome(
        name=name,
        cases=figures.get("test_cases", {}).get("generated", 0),
        operations=tested.get("tested", 0),
        seconds=time.monotonic() - begun,
        ok=code == 0 and tested.get("tested") == tested.get("total", -1),
        said=log.read_text(errors="replace"),
    )


def main() -> int:
    """Run every version of the zones, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--zone", action="append", help="only this one; may be given again")
    parser.add_argument(
        "--examples", type=int, default=30, help="made-up calls of an operation in each phase"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes up the same calls")
    options = parser.parse_args()
    tool()
    folder = Path(tempfile.mkdtemp(prefix="contracts-"))
    try:
        with server(folder) as (url, environment):
            make_users(environment)
            from apps.api.zones.mounting import mounted

            wanted = [
                item for item in mounted().documents if options.zone is None or item.zone.name in options.zone
            ]
            # The longest first: the others run beside it.
            wanted.sort(key=lambda item: -len(item.data()["paths"]))
            with ThreadPoolExecutor(2) as pool:
                outcomes = list(pool.map(lambda item: run(item, url, folder, options), wanted))
        log = (folder / "server.log").read_text(errors="replace").splitlines()
        errors = [line for line in log if '"level":"error"' in line or '"level":"critical"' in line]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for line in errors[:SHOWN_ERRORS]:
        print(line)
    return report(outcomes, least=0 if options.zone else LEAST_CASES)


def report(outcomes: list[Outcome], *, least: int) -> int:
    """Print it. Returns the exit code."""
    for outcome in outcomes:
        if not outcome.ok:
            print(f"{outcome.name}:\n{outcome.said}")
    for outcome in outcomes:
        word = "ok  " if outcome.ok else "FAIL"
        figures = f"{outcome.operations:3} operations {outcome.cases:6,} cases {outcome.seconds:6.1f} s"
        print(f"{word}  {outcome.name:<12} {figures}")
    total = sum(outcome.cases for outcome in outcomes)
    print(f"{total:,} cases" + (f", fewer than {least:,}" if total < least else ""))
    return 0 if total >= least and all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
