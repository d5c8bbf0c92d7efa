"""The committed client of the console is up to date."""

from __future__ import annotations

from typing import Final

from apps.api.tests.clients.harness import Broken, Journey, zones_clients

_CONSOLE: Final = (
    *("--language", "browser", "--zone", "public", "--zone", "private"),
    *("--sync", "apps/console/static/console/client"),
)


def committed_client_is_up_to_date(journey: Journey) -> None:
    try:
        zones_clients(*_CONSOLE, "--check")
    except Broken as broken:
        raise Broken(f"{broken}\nRun make console-client, and commit what it writes.") from broken


CHAPTERS: Final = (committed_client_is_up_to_date,)
