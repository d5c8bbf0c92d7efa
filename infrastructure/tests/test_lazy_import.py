"""Packages that are loaded when they are used: at first they are not there, then they are; a server has them all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from infrastructure import lazy_import


@pytest.fixture
def put_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two modules that are not loaded yet, imported lazily."""
    for name in ("put_off_one", "put_off_two"):
        (tmp_path / f"{name}.py").write_text(f"class Failure(Exception):\n    NAME = {name!r}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lazy_import, "_put_off", {})
    yield lazy_import.module("put_off_one"), lazy_import.module("put_off_two")
    for name in ("put_off_one", "put_off_two"):
        sys.modules.pop(name, None)


def test_a_module_is_loaded_by_the_first_use_of_a_name(put_off: Any) -> None:
    one, _ = put_off
    assert "put_off_one" not in sys.modules
    assert issubclass(one.Failure, Exception)
    assert one.Failure is sys.modules["put_off_one"].Failure
    assert "put_off_two" not in sys.modules


def test_a_missing_name_is_an_attribute_error(put_off: Any) -> None:
    one, _ = put_off
    with pytest.raises(AttributeError, match="put_off_one"):
        one.Success  # noqa: B018


def test_all_of_them_are_loaded_at_once_for_a_server(put_off: Any) -> None:
    lazy_import.load()
    assert {"put_off_one", "put_off_two"} <= sys.modules.keys()
    assert lazy_import.module("put_off_one") is put_off[0]
