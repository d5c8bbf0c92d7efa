"""The variables of notifications."""

from __future__ import annotations

import pytest

from config.tests import fresh


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize("name", ["NOTIFICATIONS_STREAMS_PER_USER", "NOTIFICATIONS_STREAMS_PER_ADDRESS"])
def test_invalid_stream_limits_stop_the_start(environment: str, name: str) -> None:
    assert fresh.settings(environment, {name: "7"})[name] == 7
    assert fresh.refusal(environment, **{name: "0"}) == [
        f"{name} must be a whole number from 1 to 1000000, not '0'."
    ]
