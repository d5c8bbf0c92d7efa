"""Modules that a process loads at its start: commands only those that they need, servers all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Only servers, workers and the commands that use them need these; `infrastructure.lazy_import` puts them off.
NOT_FOR_A_COMMAND = {
    "PIL",
    "apps.api.clients.generation",
    "apps.api.openapi.breaking_changes",
    "httpx",
    "jwt",
    "redis",
    "sentry_sdk",
    "uvicorn",
    "websockets",
}
# The first request must not wait for these.
FOR_A_SERVER = {"PIL", "cryptography.fernet", "jwt", "redis"}
COMMAND = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "zones", "urls"])
"""
# Settings that load everything would hide modules that the server does not load.
SERVER = """
import sys
from django.conf import settings
settings.DEBUG
assert "redis" not in sys.modules
import config.asgi
"""


@pytest.mark.parametrize(
    ("script", "named", "found"),
    [(COMMAND, NOT_FOR_A_COMMAND, set()), (SERVER, FOR_A_SERVER, FOR_A_SERVER)],
    ids=["command", "server"],
)
def test_loaded_modules(script: str, named: set[str], found: set[str]) -> None:
    # Without coverage: the suite loads these modules as well.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nprint('loaded', *sys.modules)"],
        env=inherited,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = next(line for line in done.stdout.splitlines() if line.startswith("loaded")).split()
    assert set(loaded) & named == found
