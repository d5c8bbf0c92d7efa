"""The differences in time between failed sign-ins of four kinds of accounts: `python -m benchmarks.sign_in_timing`.

Starts its own PostgreSQL, Valkey and server and sends failing sign-ins of four kinds in random order: an unknown
address, a wrong password, an inactive account, and an unverified account where verification is required (the last two
with the right password). For each two kinds it prints the area under the ROC curve of an attacker who guesses the kind
by the time: 0.5 is chance, 1 is certainty. Exits 1 when one is 0.6 or more, or when two kinds differ in their answer.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Any

import httpx

from infrastructure.embedded import postgres, servers

KINDS = ("unknown", "wrong", "inactive", "unverified")
TIMES = int(sys.argv[1]) if len(sys.argv) > 1 else 400
ACCOUNTS = 100
BAR = 0.6
PASSWORD = "a quiet evening on the downs"


def prepare() -> None:
    """Create accounts of each kind but the first, all with one hash of production's cost."""
    import logging

    import django

    django.setup()
    logging.disable(logging.INFO)  # else each call of the client logs a line
    from django.contrib.auth.hashers import make_password
    from django.utils import timezone

    from apps.users.models import User

    encoded = make_password(PASSWORD)
    User.objects.bulk_create(
        User(
            email=f"{kind}{number}@example.com",
            name=kind,
            password=encoded,
            is_active=kind != "inactive",
            email_verified_at=None if kind == "unverified" else timezone.now(),
        )
        for kind in KINDS[1:]
        for number in range(ACCOUNTS)
    )


def area(first: list[float], second: list[float]) -> float:
    """How well a threshold distinguishes both, in either direction: 0.5 to 1 (Mann–Whitney U over its maximum)."""
    ordered = sorted(second)
    wins = sum((bisect_left(ordered, took) + bisect_right(ordered, took)) / 2 for took in first)
    share = wins / (len(first) * len(second))
    return max(share, 1 - share)


def measure(client: httpx.Client) -> tuple[dict[str, list[float]], set[str]]:
    """Returns the milliseconds of each kind, and the answers without their request ids."""
    order = [kind for kind in KINDS for _ in range(TIMES)]
    random.Random(2026).shuffle(order)
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    answers: set[str] = set()
    for position, kind in enumerate(["wrong", "unknown"] * 5 + order):
        body = {
            "email": f"{kind}{position % ACCOUNTS}@example.com",
            "password": "wrong and wrong and wrong" if kind == "wrong" else PASSWORD,
        }
        # Each from a different address, so that no limit applies.
        address = {"X-Forwarded-For": f"10.{position >> 16}.{position >> 8 & 255}.{position & 255}"}
        started = time.perf_counter()
        answer = client.post("/api/public/v1/auth/login/", json=body, headers=address)
        milliseconds = (time.perf_counter() - started) * 1000
        if position < 10:
            continue  # warms up
        took[kind].append(milliseconds)
        problem: dict[str, Any] = answer.json()
        problem.pop("request_id")
        answers.add(f"{answer.status_code} {sorted(problem.items())}")
    return took, answers


def main() -> int:
    """Run the measurement."""
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as data:
        os.environ |= {
            **engines.urls,
            "DJANGO_READ_DOT_ENV": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "TRUSTED_PROXY_COUNT": "1",
            "REQUIRE_VERIFIED_EMAIL": "true",
            "DATA_DIR": data,
        }
        python = sys.executable
        with (Path(data) / "log").open("wb") as log:
            subprocess.run([python, "manage.py", "migrate", "--verbosity", "0"], check=True, stdout=log)
            prepare()
            port = postgres.free_port()
            server = subprocess.Popen(
                [python, "-m", "config.serve", "--port", str(port)], stdout=log, stderr=log
            )
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
                    until = time.monotonic() + 60
                    while True:
                        try:
                            client.get("/healthz").raise_for_status()
                            break
                        except httpx.HTTPError:
                            if time.monotonic() > until:
                                raise
                            time.sleep(0.2)
                    took, answers = measure(client)
            finally:
                server.terminate()
                server.wait(30)
    for kind, milliseconds in took.items():
        print(f"{kind:12} {len(milliseconds)} times   median {statistics.median(milliseconds):6.1f} ms")
    areas = {pair: area(took[pair[0]], took[pair[1]]) for pair in itertools.combinations(KINDS, 2)}
    for (first, second), value in areas.items():
        print(f"{'ok  ' if value < BAR else 'MISS'} {first} against {second}: AUC {value:.3f}")
    print(f"{'ok  ' if len(answers) == 1 else 'MISS'} {len(answers)} different answers")
    return int(max(areas.values()) >= BAR or len(answers) != 1)


if __name__ == "__main__":
    sys.exit(main())
