"""The check for circles of imports finds each of them, and the project has none."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from scripts import import_circles


def test_project_has_no_circles() -> None:
    imports = import_circles.imports_of(import_circles.PACKAGES)
    assert "apps.common.events" in imports["apps.users.services.registration"]
    assert import_circles.circles(imports) == []


def test_circles_are_found_one_after_the_other() -> None:
    imports = {"a": {"b", "d"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set()}
    found = import_circles.circles(imports)
    assert {frozenset(circle) for circle in found} == {frozenset("abc"), frozenset("ad")}
    for circle in found:
        assert circle[0] == circle[-1]
        assert all(following in imports[module] for module, following in itertools.pairwise(circle))


def test_lazy_and_typing_only_imports_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "circled_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "lazy.py").write_text("def use():\n    from circled_package import typed\n    return typed\n")
    (package / "typed.py").write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from circled_package import lazy\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert len(import_circles.circles(import_circles.imports_of(["circled_package"]))) == 1
