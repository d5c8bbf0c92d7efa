"""`make init`: invalid arguments, and the name of the product in all files."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import pathspec
import pytest
import yaml

from infrastructure import product
from infrastructure.product import PRODUCT
from scripts import init, removal, removal_test


def collect(**options: str | None) -> init.Answers:
    given = {"name": "Acme Orders", "slug": "", "domain": "", "license": "", "without": None} | options
    return init.collect(argparse.Namespace(**given), lambda _, default: default)


def test_omitted_arguments_have_defaults() -> None:
    assert collect() == init.Answers(
        name="Acme Orders", slug="acme-orders", domain="example.com", without=(), license="proprietary"
    )
    assert collect(without="console, chat", license="MIT", slug="acme") == init.Answers(
        name="Acme Orders", slug="acme", domain="example.com", without=("chat", "console"), license="mit"
    )
    assert init.slug_of("Grüße & Co. 2") == "gr-e-co-2"


def test_omitted_arguments_are_prompted_for() -> None:
    asked: list[str] = []

    def ask(question: str, default: str) -> str:
        asked.append(question)
        return default or "Acme"

    given = argparse.Namespace(name="", slug="", domain="", license="", without=None)
    with pytest.raises(init.Refused, match="`Acme` is not one of audit, chat, notifications, console"):
        init.collect(given, ask)
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "a product needs a name"),
        ({"name": 'Acme "Orders"'}, "without quotation marks"),
        ({"name": "Acme\nOrders"}, "the answers cannot be read"),
        ({"name": "注文", "slug": ""}, "the slug `` has to be lower-case words|`slug` has to be one line"),
        ({"slug": "Acme"}, "the slug `Acme` has to be lower-case words"),
        ({"slug": "postgres"}, "is a name of PostgreSQL's own"),
        ({"domain": "https://acme.example"}, "`domain` has to be a host name"),
        ({"without": "users"}, "`users` is not one of audit, chat, notifications, console"),
        ({"without": "notifications"}, "chat needs notifications: leave out both, or keep both"),
        ({"license": "gpl"}, "the licence `gpl` is not one of proprietary, mit, apache-2.0"),
    ],
)
def test_answers_are_validated_before_any_change(
    options: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = {"chat": {"notifications"}, "notifications": set[str](), "console": set[str]()}
    monkeypatch.setattr(removal, "needs", lambda: needs)
    with pytest.raises(init.Refused, match=message):
        collect(**options)


def test_a_checkout_with_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "ROOT", tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    init.require_clean()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(init.Refused, match="commit or stash your changes first"):
        init.require_clean()


def test_a_product_has_no_other_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removal_test.copy_without([], tmp_path)
    monkeypatch.setattr(init, "ROOT", tmp_path)
    answers = collect(domain="orders.example.com", without="chat notifications console")
    init.apply(answers)
    assert product.read(tmp_path / "product.toml") == product.Product(
        name="Acme Orders",
        slug="acme-orders",
        domain="orders.example.com",
        description="Acme Orders, a Django application",
    )
    files = [path for path in tmp_path.rglob("*") if path.is_file() and ".git" not in path.parts]
    shown = [path for path in files if ".mypy_cache" not in path.parts and path.suffix != ".pyc"]
    names = (PRODUCT.name.lower().encode(), PRODUCT.slug.encode())
    called = [
        str(path.relative_to(tmp_path))
        for path in shown
        if any(name in path.read_bytes().lower() or name in path.name.encode() for name in names)
    ]
    assert called == []
    assert not any((tmp_path / "apps" / label).exists() for label in ("chat", "notifications", "console"))
    assert '"chat":' not in (tmp_path / "config" / "zones.py").read_text()
    schema = (tmp_path / "docs" / "api" / "private.v1.yaml").read_text()
    assert "title: 'Acme Orders: Private'" in schema
    assert "/chat/" not in schema
    remembered = (tmp_path / removal.ANSWERS).read_text()
    assert remembered.endswith("slug: acme-orders\nwithout:\n- chat\n- console\n- notifications\n")
    assert vars(init.answered(tmp_path / removal.ANSWERS)) == {
        "name": "Acme Orders",
        "slug": "acme-orders",
        "domain": "orders.example.com",
        "license": "proprietary",
        "without": "chat console notifications",
    }
    assert "Acme Orders. All rights reserved." in (tmp_path / "LICENSE").read_text()
    assert not (tmp_path / "template").exists()


def test_copier_omits_files_of_the_template() -> None:
    """`make init` needs some of these files first and removes them then."""
    config = yaml.safe_load((init.ROOT / "copier.yml").read_text(encoding="utf-8"))
    patterns = [re.sub(r"\{%.*?%\}", "", pattern) for pattern in config["_exclude"]]
    left_out = pathspec.GitIgnoreSpec.from_lines(patterns)
    paths = [str(path.relative_to(init.ROOT)) for path in init.template_paths()]
    assert [path for path in paths if not left_out.match_file(path)] == [
        "{{_copier_conf.answers_file}}.copier"
    ]
    assert config["without"]["choices"] == list(removal.OPTIONAL)
    assert sorted(config["license"]["choices"]) == sorted(init.LICENSES)
