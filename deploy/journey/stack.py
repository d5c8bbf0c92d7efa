"""One installation of its own: secrets, project name, port, images; and what is done to it through `docker`."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """This process's environment without the variables that the compose file reads: the shell's would win over ours."""
    text = (ROOT / "docker-compose.yml").read_text()
    read = set(re.findall(r"\$\{(\w+)", text)) | set(
        re.findall(r"^ +([A-Z][A-Z0-9_]+):$", text, flags=re.MULTILINE)
    )
    return {
        name: value
        for name, value in os.environ.items()
        if name not in read and not name.startswith(("COMPOSE_", "BACKUP_", "MAKE"))
    }


class Stack:
    """The installation. Methods raise AssertionError with docker's own words when docker refuses."""

    def __init__(self, overrides: dict[str, str]) -> None:
        self.project = f"journey-{secrets.token_hex(3)}"
        self.port = free_port()
        self.image = self.project
        self._folder = tempfile.TemporaryDirectory(prefix="journey-")
        self.env_file = Path(self._folder.name) / "env"
        made = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "dotenv.py"), "--print"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        values = dict(
            line.split("=", 1) for line in made.splitlines() if "=" in line and not line.startswith("#")
        )
        self.secrets = [values[name] for name in values if name.endswith(("KEY", "KEYS", "PASSWORD"))]
        self.settings = {
            "HTTP_PORT": str(self.port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "IMAGE": self.image,
            "RELEASE": "journey",
            "BACKUP_DIR": str(Path(self._folder.name) / "backups"),
            # Traffic comes from one address and two accounts.
            "RATES_PRIVATE": "100000/minute",
            "CORS_ORIGINS": "https://app.example",
            **overrides,
        }
        self.env_file.write_text(made)
        self.env_file.chmod(0o600)
        self.set(**self.settings)

    def set(self, **values: str) -> None:
        """Set variables of the installation; of a name that is there twice the last one holds."""
        with self.env_file.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())

    def make(
        self, target: str, *arguments: str, root: Path = ROOT, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """`make` with one of the targets for an installation, from a checkout; its output as text."""
        options = f"--project-name {self.project} --env-file {self.env_file} {' '.join(arguments)}"
        given = [f"{name}={value}" for name, value in variables.items()]
        done = subprocess.run(
            ["make", "--silent", target, f"ARGS={options}", f"PYTHON={sys.executable}", *given],
            cwd=root,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"make {target}: {(done.stdout + done.stderr)[-3000:]}")
        return done

    def interrupt_deploy(self, pattern: str, *, root: Path) -> subprocess.CompletedProcess[str]:
        """A deploy that gets SIGTERM as soon as it prints a line like the pattern; its output to the end."""
        words = ["deploy", "--no-backup", "--project-name", self.project, "--env-file", str(self.env_file)]
        with subprocess.Popen(
            [sys.executable, "-m", "deploy.release", *words],
            cwd=root,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            seen = ""
            for line in process.stdout:
                seen += line
                if re.search(pattern, line):
                    process.terminate()
                    break
            out, said = process.communicate(timeout=300)
        return subprocess.CompletedProcess(words, process.returncode, seen + out, said)

    def checkout(self, name: str, files: dict[str, str]) -> Path:
        """A copy of this checkout as far as a release needs it, with other or further files: the next release."""
        folder = Path(self._folder.name) / name
        for part in ("apps", "config", "infrastructure", "deploy", "requirements", "scripts"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in (
            "manage.py",
            "product.toml",
            "Dockerfile",
            ".dockerignore",
            "docker-compose.yml",
            "Makefile",
        ):
            shutil.copy2(ROOT / part, folder / part)
        for path, text in files.items():
            (folder / path).write_text(text, encoding="utf-8")
        return folder

    def docker(
        self, *words: str, timeout: float = 120, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """One docker command, its output as text."""
        done = subprocess.run(
            ["docker", *words],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"docker {' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout)[-1500:]}"
            )
        return done

    def compose(
        self, *words: str, env_file: Path | None = None, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """One docker compose command on this installation, or on one with another file of variables."""
        file = str(env_file or self.env_file)
        return self.docker("compose", "--project-name", self.project, "--env-file", file, *words, **more)

    def up(self, *words: str, timeout: float = 240) -> None:
        """Start what does not run and wait until all of it is healthy; on failure, show what it said."""
        done = self.compose("up", "--detach", "--wait", *words, timeout=timeout, check=False)
        if done.returncode:
            logs = self.compose("logs", "--no-color", "--tail", "25", check=False).stdout
            raise AssertionError(f"up: {done.stderr[-1500:]}\n{logs}")

    def run_in(
        self, service: str, *words: str, env: dict[str, str] | None = None, timeout: float = 60
    ) -> str:
        """A command in a running container; what it printed."""
        given = [part for name, value in (env or {}).items() for part in ("--env", f"{name}={value}")]
        return self.compose("exec", "-T", *given, service, *words, timeout=timeout).stdout

    def containers(self, service: str) -> list[str]:
        """Ids of a service's running containers."""
        return self.compose("ps", "--quiet", service).stdout.split()

    def inspect(self, *ids: str) -> list[dict[str, Any]]:
        """The containers as docker lists them."""
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", *ids).stdout)
        return found

    def everything(self) -> dict[str, dict[str, Any]]:
        """All containers of the installation, ended ones too, by service and number."""
        ids = self.compose("ps", "--all", "--quiet").stdout.split()
        return {details["Name"].rpartition(f"{self.project}-")[2]: details for details in self.inspect(*ids)}

    def logs(self, *services: str) -> str:
        """Everything that was logged so far."""
        done = self.compose("logs", "--no-color", "--no-log-prefix", *services)
        return done.stdout + done.stderr

    def megabytes(self) -> dict[str, float]:
        """Memory in use by container, as `docker stats` has it."""
        ids = self.compose("ps", "--quiet").stdout.split()
        rows = self.docker(
            "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *ids
        ).stdout.splitlines()
        units = {"B": 1e-6, "KiB": 1024e-6, "MiB": 1.048576, "GiB": 1073.741824}
        used = {}
        for row in rows:
            name, amount = row.split()[:2]
            number, unit = re.fullmatch(r"([\d.]+)(\w+)", amount).groups()  # type: ignore[union-attr]
            used[name.rpartition(f"{self.project}-")[2]] = float(number) * units[unit]
        return used

    def image_megabytes(self, name: str) -> float:
        """Size of an image."""
        return int(self.docker("image", "inspect", "--format", "{{.Size}}", name).stdout) / 1e6

    def keep(self) -> Path:
        """Let the file of secrets outlive this process. Where it is."""
        kept = Path(tempfile.mkdtemp(prefix="journey-kept-")) / "env"
        kept.write_text(self.env_file.read_text())
        kept.chmod(0o600)
        return kept

    def remove(self) -> None:
        """Take everything away: containers, networks, volumes, images, the file of secrets."""
        self.compose("down", "--volumes", "--remove-orphans", timeout=180)
        names = self.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{self.image}*").stdout
        for name in names.split():
            self.docker("image", "rm", "--force", name, check=False)
        self._folder.cleanup()
