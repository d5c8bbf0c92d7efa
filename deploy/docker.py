"""`docker compose` for the commands of this folder, and the lock that keeps two of them apart. Standard library only."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_BEGUN = time.monotonic()


class Failure(Exception):
    """An error that ends a command; its text is for the operator."""


def say(text: str) -> None:
    """One line of progress, with the seconds since the start."""
    with contextlib.suppress(OSError):  # the terminal is gone, and the work has to go on
        sys.stdout.write(f"{time.monotonic() - _BEGUN:6.1f} s  {text}\n")
        sys.stdout.flush()


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command: which installation it works on."""
    parser.add_argument(
        "--project-name", help="the compose project, where it is not that of docker-compose.yml"
    )
    parser.add_argument("--env-file", type=Path, default=ROOT / ".env", help="the file of variables (.env)")


class Compose:
    """One installation. Methods raise Failure with docker's own words when docker refuses."""

    def __init__(self, env_file: Path, project: str | None = None, **variables: str) -> None:
        if not env_file.is_file():
            raise Failure(f"{env_file} is missing: run `make env`.")
        self.env_file = env_file
        self._words = [
            "compose",
            *(["--project-name", project] if project else []),
            "--env-file",
            str(env_file),
        ]
        self._variables = variables
        self.config: dict[str, Any] = json.loads(self.run("config", "--format", "json").stdout)
        self.project: str = self.config["name"]

    def popen(
        self, *words: str, variables: dict[str, str] | None = None, **more: Any
    ) -> subprocess.Popen[bytes]:
        """A compose command that runs beside this process."""
        environment = {**os.environ, **self._variables, **(variables or {})}
        return subprocess.Popen(["docker", *self._words, *words], cwd=ROOT, env=environment, **more)

    def run(
        self,
        *words: str,
        variables: dict[str, str] | None = None,
        check: bool = True,
        shown: bool = False,
        input: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """A compose command. Its output is returned, or goes to the terminal when `shown`."""
        return _docker(
            [*self._words, *words],
            {**os.environ, **self._variables, **(variables or {})},
            check=check,
            shown=shown,
            input=input,
        )

    def containers(self, service: str) -> list[dict[str, Any]]:
        """The containers of a service as docker lists them, stopped ones included, oldest first."""
        ids = self.run("ps", "--all", "--quiet", service).stdout.split()
        found: list[dict[str, Any]] = json.loads(docker("inspect", *ids)) if ids else []
        return sorted(found, key=lambda container: str(container["Created"]))

    def replicas(self, service: str) -> int:
        """The configured number of containers of a service."""
        return int(self.config["services"][service].get("deploy", {}).get("replicas") or 1)

    def value(self, name: str) -> str:
        """A variable as the compose file would see it: of the environment, else of the file."""
        text = self.run("config", "--environment").stdout
        found = [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]
        return found[-1] if found else ""


def docker(*words: str, check: bool = True) -> str:
    """The output of a docker command."""
    return _docker(list(words), dict(os.environ), check=check).stdout


def _docker(
    words: list[str],
    environment: dict[str, str],
    *,
    check: bool,
    shown: bool = False,
    input: str | None = None,
) -> subprocess.CompletedProcess[str]:
    pipe = None if shown else subprocess.PIPE
    more: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    try:
        done = subprocess.run(
            ["docker", *words],
            cwd=ROOT,
            env=environment,
            stdout=pipe,
            stderr=pipe,
            text=True,
            check=False,
            **more,
        )
    except FileNotFoundError as error:
        raise Failure("docker is not installed, or not on PATH.") from error
    if check and done.returncode:
        command = " ".join(word for word in words if len(word) < 200)
        raise Failure(
            f"docker {command} failed ({done.returncode}).\n{(done.stderr or done.stdout or '')[-3000:].strip()}"
        )
    return done


@contextlib.contextmanager
def lock(project: str) -> Iterator[None]:
    """Only one command changes an installation at a time. Raises Failure while another one runs."""
    folder = ROOT / ".deploy"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / f"{project}.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise Failure(
                f"Another command works on {project}: {file.read().strip()}. Try again later."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
