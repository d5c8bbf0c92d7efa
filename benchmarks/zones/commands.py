"""`zones validate` and `zones urls` as whole processes."""

from __future__ import annotations

import statistics
import sys

from benchmarks.zones.measuring import ENVIRONMENT, ROOT, seconds, show
from benchmarks.zones.peer import Peer

TURNS = 9


def run(peer: Peer) -> None:
    ours = {
        name: lambda name=name: seconds([sys.executable, "manage.py", "zones", name], ROOT, ENVIRONMENT)
        for name in ("validate", "urls")
    }
    theirs = {"validate": peer.command("--validate-zones"), "urls": peer.command("--show-urls")}
    setup = [sys.executable, "-c", "import gc; gc.disable(); import django; django.setup(); gc.freeze()"]
    calls = [
        *(("ours", name, call) for name, call in ours.items()),
        *(("theirs", name, call) for name, call in theirs.items()),
        ("ours", "setup", lambda: seconds(setup, ROOT, ENVIRONMENT)),
    ]
    taken: dict[tuple[str, str], list[float]] = {}
    for turn in range(TURNS + 1):
        for who, name, call in calls:
            spent = call()
            if turn:  # the first one compiles
                taken.setdefault((who, name), []).append(spent)
    figures = {key: (min(times), statistics.median(times)) for key, times in taken.items()}
    for name in ("validate", "urls"):
        show(f"zones {name}, the whole process", figures["ours", name], figures["theirs", name], "0.6 s", "s")
    show("  of which django.setup()", figures["ours", "setup"], None, "none", "s")
