"""Measures the chat beside its peers, and reports which bars are reached.

    .venv/bin/python -m benchmarks.chat                       everything, about ten minutes
    .venv/bin/python -m benchmarks.chat fanout latency        some parts: fanout latency connects stored rooms idle burst
    .venv/bin/python -m benchmarks.chat stored --peers Sarsen "Node ws" --rounds 1

Peers run in turns, each with a new server process on the first core; PostgreSQL (durable), Valkey and the load run on the
others. Medians over the rounds. Linux only: it pins processes and reads their memory.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import uvloop

from benchmarks.chat import measures, stack
from benchmarks.chat.stack import BLUEPRINT, HUB, SOCKETIO, STARLETTE, STOCK, WS, Peer, Stack

Found = dict[str, Any]


class Run:
    """The arguments."""

    def __init__(self, options: argparse.Namespace, stack_: Stack) -> None:
        self.stack, self.rounds, self.seconds = stack_, options.rounds, options.seconds
        self.wanted: list[str] | None = options.peers

    def peers(self, *peers: Peer) -> list[Peer]:
        return [peer for peer in peers if self.wanted is None or peer.name in self.wanted]

    def rates(
        self, peers: Sequence[Peer], measure: Callable[..., Any], *, checks: bool = False, store: bool = False
    ) -> Found:
        """The median of `measure` for each peer."""
        found: dict[str, list[Any]] = {peer.name: [] for peer in peers}
        for _ in range(self.rounds):
            for peer in peers:
                with self.stack.serving(peer, checks=checks, store=store) as (port, process):
                    value = uvloop.run(measure(peer, port, process))
                found[peer.name].append(value)
                print(f"    {peer.name:28} {_show(value)}", flush=True)
        return {name: _median(values) for name, values in found.items()}


def fanout(run: Run) -> None:
    found = run.rates(
        run.peers(*stack.ALL),
        lambda peer, port, _: measures.fan_out(run.stack, peer, port, seconds=run.seconds),
    )
    table("Deliveries a second, 200 sockets in a room (Sarsen stores, the others do not)", found)
    bar("stock server class ≥ 20 × blueprint", found, STOCK, BLUEPRINT, 20)
    bar("stock server class ahead of Starlette", found, STOCK, STARLETTE, 1)
    bar("framed writes ≥ 3 × Node ws", found, HUB, WS, 3)
    bar("framed writes ≥ 3 × socket.io", found, HUB, SOCKETIO, 3)
    bar("framed writes ≥ 100 × blueprint", found, HUB, BLUEPRINT, 100)


def latency(run: Run) -> None:
    for store, others in ((False, "the others do not"), (True, "so do the others")):
        found = run.rates(
            run.peers(BLUEPRINT, STARLETTE, WS, SOCKETIO, HUB),
            lambda peer, port, _: measures.latency(run.stack, peer, port, seconds=run.seconds * 2),
            store=store,
        )
        table(f"Milliseconds to be heard at 2,000 deliveries/s, p50 / p99 (Sarsen stores, {others})", found)
        quickness = {name: 1 / p99 for name, (_, p99) in found.items()}
        bar(f"p99 no worse than Node ws ({others})", quickness, HUB, WS, 1)


def connects(run: Run) -> None:
    found = run.rates(
        run.peers(BLUEPRINT, STARLETTE, WS, SOCKETIO, HUB),
        lambda peer, port, _: measures.connects(run.stack, peer, port),
        checks=True,
    )
    table("Sockets welcomed in a second, token, session and membership checked", found)
    bar("≥ 2 × blueprint", found, HUB, BLUEPRINT, 2)
    bar("ahead of Node ws", found, HUB, WS, 1)


def stored(run: Run) -> None:
    found = run.rates(
        run.peers(BLUEPRINT, STARLETTE, WS, SOCKETIO, HUB),
        lambda peer, port, _: measures.stored(run.stack, peer, port, seconds=run.seconds),
        store=True,
    )
    table("Stored messages a second, one room of 50 who all talk", found)
    peers = [value for name, value in found.items() if name != HUB.name]
    bar(
        "≥ 2 × the best peer", {**found, "best": max(peers, default=0)}, HUB, Peer(name="best", command=()), 2
    )


def rooms(run: Run) -> None:
    found = run.rates(
        run.peers(BLUEPRINT, STARLETTE, WS, SOCKETIO, HUB),
        lambda peer, port, _: measures.rooms(run.stack, peer, port, seconds=run.seconds),
        store=True,
    )
    table("Stored round trips a second over 50 rooms", found)
    bar("ahead of Starlette", found, HUB, STARLETTE, 1)
    bar("(beyond the bar) ahead of Node ws", found, HUB, WS, 1)


def idle(run: Run) -> None:
    run.rounds = 1
    found = run.rates(
        run.peers(BLUEPRINT, STARLETTE, WS, SOCKETIO, HUB),
        lambda peer, port, process: measures.idle(run.stack, peer, port, process, 5000),
    )
    table("KiB for each of 5,000 idle sockets", found)
    if HUB.name in found:
        say("at most 20", found[HUB.name] <= 20, f"{found[HUB.name]:.1f}")


def burst(run: Run) -> None:
    run.rounds = 1
    found = run.rates(
        run.peers(BLUEPRINT, STARLETTE, WS, SOCKETIO, HUB),
        lambda peer, port, process: measures.burst(run.stack, peer, port, process, 5000),
    )
    table("A burst of 5,000 × 1 KB to 60 readers, ten of whom sleep for 3 s", found)
    if HUB.name in found:
        mine = found[HUB.name]
        say("nothing lost, doubled or out of order", mine.is_flawless)
        say("memory grows by at most 32 MiB", mine.growth <= 32, f"{mine.growth:.0f}")


PARTS = {part.__name__: part for part in (fanout, latency, connects, stored, rooms, idle, burst)}


def table(title: str, found: Found) -> None:
    base = found.get(BLUEPRINT.name)
    print(f"\n{title}\n")
    for name, value in found.items():
        ratio = f"{value / base:10.1f} × blueprint" if base and isinstance(value, float) else ""
        print(f"    {name:28} {_show(value):>14}{ratio}")
    print(flush=True)


def bar(what: str, found: Found, mine: Peer, other: Peer, factor: float) -> None:
    if mine.name in found and found.get(other.name):
        ratio = found[mine.name] / found[other.name]
        say(what, ratio >= factor, f"{ratio:.2f}")


def say(what: str, is_reached: object, figure: str = "") -> None:
    print(f"    {'yes' if is_reached else 'NO '}  {what}  {figure}", flush=True)


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return " / ".join(f"{one:.1f}" for one in value)
    return (
        f"{value:,.1f}"
        if isinstance(value, float) and value < 100
        else f"{value:,.0f}"
        if isinstance(value, float)
        else str(value)
    )


def _median(values: Sequence[Any]) -> Any:
    if isinstance(values[0], tuple):
        return tuple(statistics.median(column) for column in zip(*values, strict=True))
    return statistics.median(values) if isinstance(values[0], float) else values[0]


def main() -> None:
    """Run the requested measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="benchmarks.chat"
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--peers", nargs="+", help="names; all of them without it")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with stack.running() as running:
        run = Run(options, running)
        for name in options.parts or PARTS:
            PARTS[name](run)


if __name__ == "__main__":
    main()
