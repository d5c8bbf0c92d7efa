"""What holds for every test, of whatever slice."""

from __future__ import annotations

import pytest

from infrastructure.telemetry import context


@pytest.fixture(autouse=True)
def outside_of_any_request() -> None:
    """A test client answers in the test's own thread, which keeps what the last request bound to it."""
    context.clear()
