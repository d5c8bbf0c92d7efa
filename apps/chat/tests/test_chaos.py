"""The ledgers of `make chaos` tell every way to lose, repeat or change a message."""

from __future__ import annotations

from copy import deepcopy

import pytest

from apps.chat.tests.chaos import Ledger, differences

STORED = [(1, "a"), (2, "b"), (3, "c, edited")]
MEMBERS = [
    Ledger(acknowledged={1: "a"}, heard=[1, 2, 3], room=dict(STORED)),
    Ledger(acknowledged={2: "b"}, heard=[1, 2, 3], room=dict(STORED)),
]
REST = Ledger(acknowledged={3: "c, edited"})


def test_a_room_as_it_was_told_differs_in_nothing() -> None:
    assert differences(STORED, MEMBERS, REST) == []


@pytest.mark.parametrize(
    ("stored", "faults"),
    [
        pytest.param(
            [(1, "a"), (3, "c, edited")],
            [
                "the stored numbers have gaps or repeat",
                "member 1: acknowledged, but not stored: [2]",
                "member 0: heard, but not stored: [2]",
                "member 1: heard, but not stored: [2]",
            ],
            id="a message is lost",
        ),
        pytest.param(
            [*STORED[:2], (3, "c")],
            [
                "REST: acknowledged, but not stored: [3]",
                "member 0: shows another text than is stored: [3]",
                "member 1: shows another text than is stored: [3]",
            ],
            id="an edit is lost",
        ),
        pytest.param(
            [*STORED, (4, "a")],
            ["stored twice: ['a']", "member 0: not heard: [4]", "member 1: not heard: [4]"],
            id="a message is stored twice",
        ),
    ],
)
def test_what_is_wrong_with_the_stored_room_is_told(stored: list[tuple[int, str]], faults: list[str]) -> None:
    assert differences(stored, MEMBERS, REST) == faults


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        ([1, 3], "member 0: not heard: [2]"),
        ([1, 2, 2, 3], "member 0: heard twice or out of order"),
        ([1, 3, 2], "member 0: heard twice or out of order"),
    ],
)
def test_what_a_member_missed_or_heard_twice_is_told(heard: list[int], fault: str) -> None:
    members = deepcopy(MEMBERS)
    members[0].heard = heard
    assert differences(STORED, members, REST) == [fault]


def test_one_number_acknowledged_for_two_messages_is_told() -> None:
    members = deepcopy(MEMBERS)
    members[0].acknowledged[2] = "never stored"
    assert differences(STORED, members, REST) == ["member 0: acknowledged, but not stored: [2]"]
