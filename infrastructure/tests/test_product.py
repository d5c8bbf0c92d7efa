"""Values of `product.toml`, the only file with the product's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure import product
from infrastructure.product import Product

ACME = """
name = "Acme Orders"
slug = "acme-orders"
domain = "orders.example.com"
description = "Takes orders."
"""


def test_identity_is_read(tmp_path: Path) -> None:
    path = tmp_path / "product.toml"
    path.write_text(ACME)
    found = product.read(path)
    assert found == Product(
        name="Acme Orders", slug="acme-orders", domain="orders.example.com", description="Takes orders."
    )
    assert (found.identifier, found.formerly) == ("acme_orders", ())
    path.write_text(ACME + 'formerly = ["acme", "old-acme"]')
    assert product.read(path).formerly == ("acme", "old-acme")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('name = "Acme Orders"', 'name = ""', "`name` has to be one line of 1 to 50 characters"),
        ('name = "Acme Orders"', 'name = " "', "`name` has to be one line"),
        ('name = "Acme Orders"', 'name = "Acme\\nBcc: x"', "`name` has to be one line"),
        ('name = "Acme Orders"', "name = 7", "`name` has to be one line"),
        ('name = "Acme Orders"', "", "`name` has to be one line"),
        ('"acme-orders"', '"Acme"', "the slug `Acme` has to be lower-case words"),
        ('"acme-orders"', '"acme--orders"', "the slug `acme--orders` has to be"),
        ('"acme-orders"', '"1acme"', "the slug `1acme` has to be"),
        ('"acme-orders"', f'"{"a" * 31}"', "`slug` has to be one line of 1 to 30 characters"),
        ('"orders.example.com"', '"https://orders.example.com"', "`domain` has to be a host name"),
        ('"orders.example.com"', '"orders.example.com:443"', "`domain` has to be a host name"),
        ('"Takes orders."', '"Takes orders."\nformerly = "acme"', "`formerly` has to be a list of slugs"),
        ('"Takes orders."', '"Takes orders."\nformerly = ["Ac"]', "the slug `Ac` has to be lower-case words"),
        ('"Takes orders."', '"Takes orders."\ncolor = "red"', "unknown key `color`"),
        ('"Takes orders."', '"Takes', "cannot be read"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "product.toml"
    assert before in ACME
    path.write_text(ACME.replace(before, after))
    with pytest.raises(product.InvalidProduct, match=message):
        product.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(product.InvalidProduct, match=r"product\.toml cannot be read"):
        product.read(tmp_path / "product.toml")
