"""A server for browser tests: throwaway PostgreSQL and Valkey, demo data, and a process to kill and restart."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from infrastructure.embedded import servers

ROOT: Final = Path(__file__).resolve().parents[4]
_PATIENCE: Final = 60


class Stack:
    """Runs `python -m config.serve` on a free port."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment | {"PUBLIC_URL": self.url}
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py. Raises CalledProcessError if it fails."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(
            command, cwd=ROOT, env=self._environment, check=True, stdout=subprocess.DEVNULL, timeout=120
        )

    def restart(self, **environment: str) -> None:
        """Stop with SIGTERM and start with additional environment variables."""
        self.kill(signal.SIGTERM)
        self._environment |= environment
        self.start()

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        command = [sys.executable, "-m", "config.serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", trust_env=False).is_success
        return False

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the process and wait for its end. SIGKILL by default."""
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(timeout=30)
        self._process = None

    def call(
        self, method: str, path: str, *, token: str = "", json: dict[str, object] | None = None
    ) -> httpx.Response:
        """Call the API from outside the browser. Raises HTTPStatusError for a 4xx or 5xx answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = httpx.request(
            method, self.url + path, headers=headers, json=json, trust_env=False, timeout=20
        )
        return response.raise_for_status()

    def sign_in(self, email: str, password: str) -> str:
        """Sign in outside the browsers. Returns an access token."""
        pair = self.call(
            "POST", "/api/public/v1/auth/login/", json={"email": email, "password": password}
        ).json()
        return str(pair["access"])


@contextlib.contextmanager
def running(folder: Path, *, access_seconds: int) -> Iterator[Stack]:
    """Run a server with demo data. `access_seconds` is the lifetime of access tokens."""
    with servers.throwaway({}) as databases:
        environment = {
            **os.environ,
            **databases.urls,
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATA_DIR": str(folder / "data"),
            "ACCESS_TOKEN_SECONDS": str(access_seconds),
        }
        stack = Stack(environment, folder)
        stack.manage("prepare", "--demo")
        stack.start()
        try:
            yield stack
        finally:
            stack.kill(signal.SIGTERM)
