"""Equal texts meet, in one column, under any key of the ring; nothing else does."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from infrastructure.crypto import BlindIndex, WeakKeyError

OLD, NEW = "3J3mVQmYw1r1w8mYd2n9m3yq0mZ1lJd0w3nqkq0mJ9A=", Fernet.generate_key().decode()


def test_equal_texts_have_equal_digests_in_one_column_only() -> None:
    phone, tax = BlindIndex([OLD], "users_user.phone"), BlindIndex([OLD], "users_user.tax")
    assert phone.digest("+44 1") == BlindIndex([OLD], "users_user.phone").digest("+44 1")
    assert len({phone.digest("+44 1"), phone.digest("+44 2"), tax.digest("+44 1"), phone.digest("")}) == 4
    assert len(phone.digest("+44 1")) == 16


def test_the_digest_is_what_it_was() -> None:
    """A change here would make every stored digest useless."""
    assert BlindIndex([OLD], "a.b").digest("text").hex() == "ff1202d56e29cbb4386339d1c35be136"


def test_the_first_key_stores_and_all_are_looked_for() -> None:
    before, after = BlindIndex([OLD], "a.b"), BlindIndex([NEW, OLD], "a.b")
    assert after.digest("x") != before.digest("x")
    assert after.candidates("x") == (BlindIndex([NEW], "a.b").digest("x"), before.digest("x"))


def test_keys_are_held_to_the_rules_of_encryption() -> None:
    for keys in ([], ["short"], [OLD, OLD], ["A" * 43 + "="]):
        with pytest.raises(WeakKeyError):
            BlindIndex(keys, "a.b")
