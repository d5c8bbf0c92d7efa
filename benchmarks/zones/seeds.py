"""The dump of all URLs under random hash seeds."""

from __future__ import annotations

import hashlib
from typing import Any

from benchmarks.zones.measuring import ask
from benchmarks.zones.peer import Peer

SEEDS = 20


def inside() -> dict[str, Any]:
    from apps.api.zones.mounting import mounted
    from apps.api.zones.routes import leaves

    lines = [f"{leaf.route} {leaf.pattern.name}" for leaf in leaves(mounted().patterns)]
    lines += [f"{item.path} {item.methods} {item.view} {item.narrowed_by}" for item in mounted().endpoints]
    return {"lines": len(lines), "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def run(_: Peer | None = None) -> bool:
    """Whether all processes mount the same."""
    dumps = [ask("dump", PYTHONHASHSEED="random") for _ in range(SEEDS)]
    same = len({dump["digest"] for dump in dumps}) == 1
    print(
        f"URL dump in {SEEDS} processes: {dumps[0]['lines']} lines, {'the same' if same else 'DIFFERENT'} in all"
    )
    return same
