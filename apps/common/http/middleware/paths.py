"""Which requests are API calls."""

from __future__ import annotations

from typing import Final

API_PREFIX: Final = "/api/"


def is_api(path: str) -> bool:
    """Whether a path belongs to the API, where answers are JSON and never pages."""
    return path.startswith(API_PREFIX) or path == "/api"
