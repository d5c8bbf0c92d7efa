"""Shared parts of the chapters of the journey: a server, a browser, the generated packages, and running commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from apps.api.clients import tools
from apps.common.tests.browser.driver import Browser
from apps.common.tests.browser.stack import Stack

ROOT: Final = tools.ROOT
# A generation of its own: the packages in clients/ stay as they are.
PACKAGES: Final = ROOT / "clients" / "live"
DEMO_PASSWORD: Final = "demo-password-2026"
_TIMEOUT: Final = 180  # seconds
_NO_SERVERS: Final = {
    "DJANGO_SETTINGS_MODULE": "config.settings.development",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
_IMPORT: Final = """
const url = URL.createObjectURL(new Blob([arguments[0]], { type: "text/javascript" }));
globalThis.clients = await import(url);
"""


class Broken(Exception):
    """A chapter failed. The message is the output of its command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A server, a browser, and a folder for temporary files."""

    server: Stack
    browser: Browser
    folder: Path

    @property
    def workspace(self) -> Path:
        """The folder for installed packages and copied calls."""
        return self.folder / "workspace"

    def open_client(self) -> None:
        """Open a page of the server in the browser, with the generated module as `clients`."""
        self.browser.devtools("Page.setBypassCSP", enabled=True)
        self.browser.go(f"{self.server.url}/api/")
        self.browser.complaints()
        self.browser.run(_IMPORT, (PACKAGES / "browser" / "index.js").read_text())


def run(*command: str | Path, cwd: Path = ROOT, settings: Mapping[str, str] = MappingProxyType({})) -> str:
    """The output of a command. Raises Broken with it when the command fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **settings},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise Broken(f"{' '.join(map(str, command[:4]))} …\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def zones_clients(*arguments: str, prefix: tuple[str, ...] = ()) -> None:
    """`manage.py zones clients`, without servers."""
    run(*prefix, sys.executable, "manage.py", "zones", "clients", *arguments, settings=_NO_SERVERS)
