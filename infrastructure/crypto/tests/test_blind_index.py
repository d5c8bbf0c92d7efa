"""Equal texts meet, in one column, under any key of the ring; nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from infrastructure.crypto import BlindIndex, WeakKeyError, blind_index
from infrastructure.product import PRODUCT

OLD, NEW = "3J3mVQmYw1r1w8mYd2n9m3yq0mZ1lJd0w3nqkq0mJ9A=", Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def _no_former_slug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blind_index, "PRODUCT", replace(PRODUCT, formerly=()))


def test_equal_texts_have_equal_digests_in_one_column_only() -> None:
    phone, tax = BlindIndex([OLD], "users_user.phone"), BlindIndex([OLD], "users_user.tax")
    assert phone.digest("+44 1") == BlindIndex([OLD], "users_user.phone").digest("+44 1")
    assert len({phone.digest("+44 1"), phone.digest("+44 2"), tax.digest("+44 1"), phone.digest("")}) == 4
    assert len(phone.digest("+44 1")) == 16


def test_digests_do_not_change() -> None:
    """A change would invalidate every stored digest."""
    assert BlindIndex([OLD], "a.b").digest("text").hex() == "62f10031e610ddde273d812ec85ff3b1"


def test_the_first_key_stores_and_all_are_looked_for() -> None:
    before, after = BlindIndex([OLD], "a.b"), BlindIndex([NEW, OLD], "a.b")
    assert after.digest("x") != before.digest("x")
    assert after.candidates("x") == (BlindIndex([NEW], "a.b").digest("x"), before.digest("x"))


def test_digests_of_an_earlier_release_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases before the label was neutral derived the keys from the product's slug."""
    earlier = bytes.fromhex("e2973319019186d7a6be95918edd0ef4")  # under the label `acme blind index`
    assert earlier not in BlindIndex([NEW, OLD], "a.b").candidates("text")
    monkeypatch.setattr(blind_index, "PRODUCT", replace(PRODUCT, formerly=("acme",)))
    index = BlindIndex([NEW, OLD], "a.b")
    assert earlier in index.candidates("text")
    assert index.digest("text") != earlier


def test_keys_are_held_to_the_rules_of_encryption() -> None:
    for keys in ([], ["short"], [OLD, OLD], ["A" * 43 + "="]):
        with pytest.raises(WeakKeyError):
            BlindIndex(keys, "a.b")
