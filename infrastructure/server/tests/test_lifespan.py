"""The ASGI lifespan: hooks run, failures are reported, stopping is complete."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.server.lifespan import Hook, Lifespan


def noting(notes: list[str], name: str, *, fail: bool = False) -> Hook:
    async def hook() -> None:
        notes.append(name)
        if fail:
            raise RuntimeError(name)

    return hook


async def live(lifespan: Lifespan, sent: list[str]) -> None:
    """Start and stop once; `sent` gets the types of the messages, also when a start hook raises."""
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope: Any = {"type": "lifespan"}
    await lifespan(scope, receive, send)


async def test_hooks_run_in_order_and_stop_in_reverse() -> None:
    notes: list[str] = []
    lifespan = Lifespan(
        startup=[noting(notes, "a"), noting(notes, "b")], shutdown=[noting(notes, "c"), noting(notes, "d")]
    )
    sent: list[str] = []
    await live(lifespan, sent)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert notes == ["a", "b", "d", "c"]


async def test_a_failing_start_is_reported_to_the_server() -> None:
    notes: list[str] = []
    lifespan = Lifespan(startup=[noting(notes, "a", fail=True), noting(notes, "b")], shutdown=[])
    sent: list[str] = []
    with pytest.raises(RuntimeError, match="a"):
        await live(lifespan, sent)
    assert sent == ["lifespan.startup.failed"]
    assert notes == ["a"]


async def test_failing_stop_does_not_keep_the_others_from_stopping() -> None:
    notes: list[str] = []
    lifespan = Lifespan(startup=[], shutdown=[noting(notes, "a"), noting(notes, "b", fail=True)])
    sent: list[str] = []
    await live(lifespan, sent)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert notes == ["b", "a"]
