"""The variables of chat."""

from __future__ import annotations

import pytest

from config.tests import fresh


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CHAT_FRAMES_PER_SECOND", "0", "must be a whole number from 1 to 1000000, not '0'"),
        ("CHAT_SOCKETS_PER_USER", "0", "must be a whole number from 1 to 1000000, not '0'"),
        ("CHAT_SOCKETS_PER_ADDRESS", "many", "must be a whole number from 1 to 1000000, not 'many'"),
        ("CHAT_PUBLIC_ROOMS_PER_USER", "0", "must be a whole number from 1 to 1000000, not '0'"),
        ("CHAT_DATABASE_THREADS", "0", "must be a whole number from 1 to 100, not '0'"),
        ("CHAT_SEARCH_LANGUAGE", "klingon", "must be one of simple, arabic, danish"),
    ],
)
def test_invalid_settings_stop_the_start(environment: str, name: str, value: str, said: str) -> None:
    (fault,) = fresh.refusal(environment, **{name: value})
    assert fault.startswith(f"{name} {said}")


def test_a_language_ignores_case_and_empty_is_the_default() -> None:
    assert (
        fresh.settings("production", {"CHAT_SEARCH_LANGUAGE": "German"})["CHAT_SEARCH_LANGUAGE"] == "german"
    )
    assert fresh.settings("production", {"CHAT_SEARCH_LANGUAGE": ""})["CHAT_SEARCH_LANGUAGE"] == "simple"
