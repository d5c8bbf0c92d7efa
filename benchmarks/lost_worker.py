"""Measures how soon the task of a killed worker runs again: `python -m benchmarks.lost_worker`.

Starts its own Valkey and PostgreSQL, a worker with the project's settings, kills it with SIGKILL in the middle
of a task, starts another one, and prints the seconds between the kill and the task's second start. The bar is 90.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import redis
from celery import shared_task

from infrastructure.embedded import servers

NOTES = "lost-worker"


@shared_task(name="benchmarks.lost_worker.hold")
def hold(*, url: str) -> None:
    """Record the start, and never return on the first run."""
    if redis.Redis.from_url(url).rpush(NOTES, time.time()) == 1:
        time.sleep(40)


def worker(pool: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A worker in its own process group."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "worker",
        "--include",
        "benchmarks.lost_worker",
    ]
    options = ["--pool", pool, "--concurrency", "2", "--without-mingle", "--without-gossip"]
    return subprocess.Popen(
        [*command, *options],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def measure(pool: str, url: str, environment: dict[str, str]) -> float:
    """Returns the seconds from the kill to the second start."""
    notes = redis.Redis.from_url(url)
    notes.flushdb()
    first = worker(pool, environment)
    publish = f"from config.celery import app; app.send_task('{hold.name}', kwargs={{'url': '{url}'}})"
    subprocess.run([sys.executable, "-c", publish], env=environment, check=True)
    while notes.llen(NOTES) < 1:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    killed = time.time()
    second = worker(pool, environment)
    try:
        while notes.llen(NOTES) < 2:
            if time.time() - killed > 150:
                raise SystemExit("the task did not run again within 150 s")
            time.sleep(0.05)
        return float(notes.lindex(NOTES, 1)) - killed
    finally:
        second.terminate()
        second.wait(20)


def main() -> None:
    """Measure both pools of the project."""
    with servers.throwaway({}) as engines:
        environment = {**os.environ, **engines.urls, "DJANGO_SETTINGS_MODULE": "config.settings.development"}
        for pool in sys.argv[1:] or ("prefork", "threads"):
            seconds = measure(pool, engines.urls["REDIS_URL"], environment)
            print(f"{pool:8} the task ran again {seconds:5.1f} s after SIGKILL (bar: 90 s)", flush=True)


if __name__ == "__main__":
    main()
