"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool], what: str = "the condition is true", *, seconds: float = 10.0
) -> None:
    """Wait until a condition is true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"It did not come about within {seconds:.0f} s that {what}.")
        time.sleep(0.02)
