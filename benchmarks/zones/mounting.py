"""Mounting a table of 50 zones, and Sarsen's own."""

from __future__ import annotations

from typing import Any

from benchmarks.zones.measuring import ZONES, ask, best_of, show
from benchmarks.zones.peer import VIEWS, Peer


def inside() -> dict[str, Any]:
    from apps.api.zones import table as zones
    from apps.api.zones.mounting import mount
    from apps.api.zones.table import Floor, Zone, ZoneTable
    from apps.common import slices
    from apps.common.slices import Slice

    made: dict[str, Any] = {}
    exec(compile(VIEWS, "things", "exec"), made)
    names = [f"z{number}" for number in range(ZONES)]

    class Things(Slice):
        __slots__ = ()

        def routes(self) -> Any:
            return dict.fromkeys(names, made["urlpatterns"])

    table = ZoneTable(
        tuple(
            Zone(name=name, title="t", description="d", slices=("things",), floor=Floor.USER)
            for name in names
        )
    )
    found = (Things("things", "things"),)
    own, installed = zones.table(), slices.installed()
    return {
        "ours": best_of(lambda: mount(table, found), per=ZONES),
        "own": best_of(lambda: mount(own, installed), per=len(own)),
    }


def run(peer: Peer) -> None:
    ours, theirs = ask("mounting"), peer.measure("mounting")
    show(f"mounting, a zone of {ZONES}, warm", tuple(ours["ours"]), tuple(theirs["peer"]), "0.1 ms")
    show("mounting, a zone of Sarsen's own, warm", tuple(ours["own"]), None, "none")
