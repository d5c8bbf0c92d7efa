"""Measures registration while Redis is up, frozen, down and emptied, and waits for the mails.

`python -m benchmarks.broker_away`

Starts its own PostgreSQL, Valkey, server, worker and beat. In each phase some accounts register, each
from a different address; afterwards every account must have its welcome mail.
"""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import redis

from infrastructure.embedded import postgres, servers

CALLS = 12
_numbers = itertools.count(1)


def register(url: str) -> list[float]:
    """Register some accounts, one after another. Returns the milliseconds of each."""
    took = []
    with httpx.Client(base_url=url, timeout=30) as client:
        for number in itertools.islice(_numbers, CALLS):
            started = time.perf_counter()
            answer = client.post(
                "/api/public/v1/auth/register/",
                json={
                    "email": f"p{number}@example.com",
                    "name": "P",
                    "password": "a quiet evening on the downs",
                },
                headers={"X-Forwarded-For": f"198.51.100.{number}"},
            )
            took.append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 201, answer.text
    return took


def await_mails(folder: Path, count: int, started: float) -> float:
    """Returns the seconds from `started` until as many addresses have a mail."""
    while True:
        mails = "".join(path.read_text() for path in folder.glob("*")) if folder.is_dir() else ""
        if sum(f"To: p{number}@example.com" in mails for number in range(1, count + 1)) == count:
            return time.time() - started
        if time.time() - started > 120:
            raise SystemExit("not all mails have arrived within 120 s")
        time.sleep(0.1)


def show(phase: str, took: list[float]) -> None:
    print(f"{phase:10} median {statistics.median(took):6.0f} ms   worst {max(took):6.0f} ms", flush=True)


def main() -> None:
    """Run all phases."""
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as data:
        valkey = engines.members["REDIS_URL"]
        port = postgres.free_port()
        url, mails = f"http://127.0.0.1:{port}", Path(data) / "mail"
        environment = {
            **os.environ,
            **engines.urls,
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "TRUSTED_PROXY_COUNT": "1",
            "DATA_DIR": data,
        }
        python = sys.executable
        log = (Path(data) / "log").open("wb")
        subprocess.run([python, "manage.py", "migrate", "--verbosity", "0"], env=environment, check=True)
        celery = [python, "-m", "celery", "-A", "config"]

        def start(*command: str) -> subprocess.Popen[bytes]:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

        work = [*celery, "worker", "--pool", "threads", "--concurrency", "4", "--without-mingle"]
        children = [
            start(python, "-m", "config.serve", "--port", str(port)),
            start(*celery, "beat", "--pidfile="),
            start(*work),
        ]
        try:
            while True:
                try:
                    httpx.get(f"{url}/healthz", timeout=1).raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.2)
            register(url)  # warms up
            show("there", register(url))
            await_mails(mails, 2 * CALLS, time.time())
            process = valkey.process
            process.send_signal(signal.SIGSTOP)
            show("frozen", register(url))
            process.send_signal(signal.SIGCONT)
            print(
                f"           mails {await_mails(mails, 3 * CALLS, time.time()):5.1f} s after its return",
                flush=True,
            )
            valkey.stop()
            show("gone", register(url))
            with log:
                valkey.begin(log)
                while not valkey.is_ready():
                    time.sleep(0.05)
                print(
                    f"           mails {await_mails(mails, 4 * CALLS, time.time()):5.1f} s after its return",
                    flush=True,
                )
                worker = children.pop()
                worker.terminate()
                worker.wait(30)
                show("emptied", register(url))
                redis.Redis.from_url(engines.urls["REDIS_URL"]).flushall()
                children.append(start(*work))
                print(
                    f"           mails {await_mails(mails, 5 * CALLS, time.time()):5.1f} s later", flush=True
                )
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(30)


if __name__ == "__main__":
    main()
