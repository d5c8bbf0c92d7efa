"""The memory of many concurrent sign-ins: `python -m benchmarks.hash_flood`.

Starts its own PostgreSQL, Valkey and server. 200 clients sign in at once, each from a different address and to a different
account, with the Argon2id parameters of production. Prints the growth of the server's memory (VmHWM) beside
the bound: concurrent hashes × memory of a hash, and 64 MB for the rest. Every answer is 401, or a 503 with Retry-After.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from infrastructure.embedded import postgres, servers

CLIENTS = 200
REST_MB = 64


def memory(pid: int, name: str) -> float:
    """VmRSS (now) or VmHWM (maximum so far) of a process, in MB."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def attempt(client: httpx.Client, number: int) -> tuple[int, str]:
    """Returns status and Retry-After of one sign-in."""
    answer = client.post(
        "/api/public/v1/auth/login/",
        json={"email": f"p{number}@example.com", "password": "a quiet evening on the downs"},
        headers={"X-Forwarded-For": f"10.1.{number >> 8}.{number & 255}"},
    )
    return answer.status_code, answer.headers.get("Retry-After", "")


def main() -> int:
    """Run the measurement."""
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as data:
        environment = {
            **os.environ,
            **engines.urls,
            "DJANGO_READ_DOT_ENV": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "TRUSTED_PROXY_COUNT": "1",
            "DATA_DIR": data,
        }
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env=environment, check=True)
        port = postgres.free_port()
        with (Path(data) / "log").open("wb") as log:
            command = [sys.executable, "-m", "config.serve", "--port", str(port)]
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            many = httpx.Limits(max_connections=CLIENTS)
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=120, limits=many, trust_env=False
            ) as client:
                until = time.monotonic() + 60
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        if client.get("/readyz").is_success:
                            break
                    if time.monotonic() > until:
                        raise SystemExit((Path(data) / "log").read_text()[-3000:])
                    time.sleep(0.2)
                before = memory(server.pid, "VmRSS")
                started = time.monotonic()
                with ThreadPoolExecutor(CLIENTS) as pool:
                    answers = list(pool.map(lambda number: attempt(client, number), range(CLIENTS)))
                seconds = time.monotonic() - started
                rose = memory(server.pid, "VmHWM") - before
        finally:
            server.terminate()
            server.wait(30)
    from apps.users import settings as identity

    bound = identity.ARGON2_CONCURRENCY * identity.ARGON2_MEMORY_KIB / 1024 + REST_MB
    counts = Counter(status for status, _ in answers)
    told = all(retry.isdigit() for status, retry in answers if status == 503)
    fine = set(counts) <= {401, 503} and told
    print(f"{CLIENTS} at once in {seconds:.1f} s: {dict(counts)}")
    print(f"{'ok  ' if fine else 'MISS'} every answer is 401, or 503 with Retry-After")
    print(f"{'ok  ' if rose <= bound else 'MISS'} memory rose by {rose:.0f} MB (bound: {bound:.0f} MB)")
    return int(not fine or rose > bound)


if __name__ == "__main__":
    sys.exit(main())
