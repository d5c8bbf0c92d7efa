"""The ledger of `make chaos` tells lost and repeated mails."""

from __future__ import annotations

import pytest

from apps.common.tests.chaos import Mail
from apps.users.tests.campaigns import wrong_mails

MAIL = Mail("ada@example.com", "<1@example.com>")


@pytest.mark.parametrize(
    ("mails", "faults"),
    [
        ([MAIL], []),
        ([MAIL, MAIL], []),  # sent again under its Message-ID, after an answer that was lost
        ([], ["ada@example.com got 0 welcome mails"]),
        ([MAIL, Mail("ada@example.com", "<2@example.com>")], ["ada@example.com got 2 welcome mails"]),
    ],
)
def test_an_account_gets_one_mail(mails: list[Mail], faults: list[str]) -> None:
    assert wrong_mails(["ada@example.com"], mails) == faults
