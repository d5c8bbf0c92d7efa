"""A newly generated schema, a cached one, and an unchanged one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.zones.measuring import ask, best_of, by_wsgi, show
from benchmarks.zones.peer import Peer

# Operations of the largest zone when the bar of 10 ms a zone was set.
OPERATIONS = 24


def inside() -> dict[str, Any]:
    from apps.api.openapi.documents import Document
    from apps.api.zones.mounting import mounted
    from config.wsgi import application

    documents = [*mounted().documents]
    first = [_seconds_of(item.data) * 1000 for item in documents]
    largest = max(documents, key=lambda item: len(_operations(item)))
    documents.append(Document(largest.zone, largest.version, _some_of(largest)))
    cold = [
        (f"{item.zone.name}/{item.version.name}", len(_operations(item)), best_of(item.data, times=15))
        for item in documents
    ]
    call = by_wsgi(application, "/api/public/schema.yaml")
    status, headers, body = call()
    not_modified = by_wsgi(application, "/api/public/schema.yaml", HTTP_IF_NONE_MATCH=headers["etag"])
    return {
        "cold": cold,
        "first": first,
        "status": status,
        "bytes": len(body),
        "cached": best_of(call),
        "again": not_modified()[0],
        "not modified": best_of(not_modified),
    }


def _seconds_of(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _operations(document: Any) -> list[tuple[str, str]]:
    """Path and method of each."""
    return [(path, method) for path, item in document.data()["paths"].items() for method in item]


def _some_of(document: Any) -> list[Any]:
    """The first routes of a document with OPERATIONS operations in all."""
    from apps.api.zones.routes import leaves, rebuild, template

    methods: dict[str, int] = {}
    for path, _ in _operations(document):
        methods[path] = methods.get(path, 0) + 1
    chosen: set[str] = set()
    left = OPERATIONS
    prefix = f"/api/{document.zone.name}/{document.version.name}/"
    for leaf in leaves(document.patterns):
        count = methods.get(prefix + template(leaf.route), 0)
        if 0 < count <= left:
            chosen.add(leaf.route)
            left -= count
    return rebuild(
        document.patterns, view=lambda leaf: leaf.pattern.callback, keep=lambda leaf: leaf.route in chosen
    )


def run(peer: Peer) -> None:
    ours, theirs = ask("schema"), peer.measure("schema")
    for name, operations, figure in ours["cold"]:
        show(f"schema {name}, {operations} operations, made anew", tuple(figure), None, "10 ms")
        print(f"    {figure[0] / operations:.3f} ms an operation")
    print(f"  each the first time in its process: {', '.join(f'{taken:.1f}' for taken in ours['first'])} ms")
    show(
        f"schema.yaml, cached ({ours['status']}, {ours['bytes']} bytes)",
        tuple(ours["cached"]),
        tuple(theirs["each"]),
        "1 ms",
    )
    show(f"schema.yaml, by its ETag ({ours['again']})", tuple(ours["not modified"]), None, "1 ms")
    print(
        f"  the peer's: {theirs['status']}, {theirs['bytes']} bytes, ETag {theirs['etag']}, made anew each time"
    )
