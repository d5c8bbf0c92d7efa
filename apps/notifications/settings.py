"""Limits of live streams, which count in each process."""

from __future__ import annotations

from infrastructure import environment

VARIABLES = environment.Variables("Notifications")

NOTIFICATIONS_STREAMS_PER_USER = VARIABLES.number(
    "NOTIFICATIONS_STREAMS_PER_USER", 20, "Open streams of one user in one process", least=1, most=1_000_000
)
NOTIFICATIONS_STREAMS_PER_ADDRESS = VARIABLES.number(
    "NOTIFICATIONS_STREAMS_PER_ADDRESS",
    500,
    "Open streams of one client address in one process",
    least=1,
    most=1_000_000,
)
