"""Measures background work beside plain Celery: `python -m benchmarks.background [count] [rounds]`.

Starts its own PostgreSQL and Valkey, and workers with one process. Prints the median of the rounds:

- relay: the stored events per second that one relay passes to the broker, and its CPU time for each;
- tasks: no-op tasks per second of a worker that starts with a full queue;
- end to end: from the first commit (of one event each) to the last confirmed task, relay and worker side by side; for
  plain Celery from the first `apply_async` to the last acknowledgement.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import redis

from infrastructure.embedded import servers

COUNT, ROUNDS = 3000, 3
PLAIN, PROJECT = ("benchmarks.background.plain", "plain"), ("config", "default")


@contextmanager
def worker(application: str) -> Iterator[int]:
    """A running worker. Yields its process id."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", application, "worker", "--concurrency", "1"]
    if application == PROJECT[0]:
        command += ["--include", "benchmarks.background.work"]
    command += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children, from Linux's /proc."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) == pid or int(fields[1]) == pid:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> float:
    """Poll until the condition holds. Returns the time at which it did."""
    deadline = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > deadline:
            raise SystemExit("it takes too long")
        time.sleep(0.005)
    return time.perf_counter()


def publish(application: str, count: int) -> None:
    """Put no-op tasks into the queue."""
    from benchmarks.background import plain, work
    from config.celery import app

    task = plain.work if application == PLAIN[0] else app.tasks[work.work.name]
    for _ in range(count):
        task.apply_async(kwargs={"thing_id": str(uuid4())})


def relay(count: int) -> tuple[float, float]:
    """Events per second, and microseconds of CPU time for each."""
    from apps.common.events import outbox
    from apps.common.models import OutboxEvent
    from benchmarks.background.work import ThingHappened

    OutboxEvent.objects.all().delete()
    OutboxEvent.objects.bulk_create(
        OutboxEvent(name=ThingHappened.name, payload={"thing_id": str(uuid4())}) for _ in range(count)
    )
    started, cpu = time.perf_counter(), time.process_time()
    while outbox.relay_due().taken:
        pass
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert not OutboxEvent.objects.filter(asked_at=None).exists()
    return count / seconds, cpu / count * 1e6


def tasks(broker: redis.Redis, target: tuple[str, str], count: int) -> tuple[float, float]:
    """Tasks per second of a worker from the first hundred to the last, and microseconds of its CPU time for each."""
    application, queue = target
    publish(application, count)
    with worker(application) as pid:
        started = wait_for(lambda: broker.llen(queue) <= count - 100)
        cpu = cpu_seconds(pid)
        ended = wait_for(lambda: not broker.llen(queue) and not broker.exists("unacked"))
        cpu = cpu_seconds(pid) - cpu
    return (count - 100) / (ended - started), cpu / (count - 100) * 1e6


def end_to_end(broker: redis.Redis, target: tuple[str, str], count: int) -> float:
    """Events per second with a running worker."""
    from django.db import transaction

    from apps.common import events
    from apps.common.models import OutboxEvent
    from benchmarks.background.work import ThingHappened

    application, queue = target
    with worker(application):
        publish(application, 20)
        wait_for(lambda: not broker.llen(queue) and not broker.exists("unacked"))
        started = time.perf_counter()
        if target is PLAIN:
            publish(application, count)
            return count / (
                wait_for(lambda: not broker.llen(queue) and not broker.exists("unacked")) - started
            )
        OutboxEvent.objects.all().delete()
        for _ in range(count):
            with transaction.atomic():
                events.publish(ThingHappened(thing_id=uuid4()))
        return count / (wait_for(lambda: not OutboxEvent.objects.pending().exists()) - started)


def show(name: str, unit: str, found: list[float]) -> None:
    print(
        f"{name:28}{statistics.median(found):9,.0f} {unit}   ({min(found):,.0f} to {max(found):,.0f})",
        flush=True,
    )


def main() -> None:
    count, rounds = [*map(int, sys.argv[1:]), *(COUNT, ROUNDS)[len(sys.argv) - 1 :]]
    with servers.throwaway({}) as engines:
        os.environ.update(engines.urls, DJANGO_SETTINGS_MODULE="config.settings.development")
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
        import django

        django.setup()
        from django.db import connection

        from apps.common.events.relay import relay as outbox_relay

        broker = redis.Redis.from_url(engines.urls["REDIS_URL"])
        relays: list[tuple[float, float]] = []
        for _ in range(rounds):
            relays.append(relay(count))
            broker.flushdb()
        show("relay", "events/s", [rate for rate, _ in relays])
        show("relay", "µs of CPU each", [cpu for _, cpu in relays])
        both = {PLAIN: "plain Celery", PROJECT: "project"}
        tasked: dict[tuple[str, str], list[tuple[float, float]]] = {one: [] for one in both}
        ended: dict[tuple[str, str], list[float]] = {one: [] for one in both}
        for _ in range(rounds):
            for target in both:
                tasked[target].append(tasks(broker, target, count))
                broker.flushdb()
            for target in both:
                ended[target].append(end_to_end(broker, target, count))
                broker.flushdb()
        for target, name in both.items():
            show(f"tasks, {name}", "/s", [rate for rate, _ in tasked[target]])
            show(f"tasks, {name}", "µs of CPU each", [cpu for _, cpu in tasked[target]])
        for target, name in both.items():
            show(f"end to end, {name}", "/s", ended[target])
        outbox_relay.stop()
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend


if __name__ == "__main__":
    main()
