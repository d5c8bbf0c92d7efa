"""`make test CHANGED=1`: which tests a change can touch."""

from __future__ import annotations

from scripts import test as suite


def test_a_test_that_changed_is_run_alone() -> None:
    assert suite.touched(["config/tests/test_changed.py"]) == ["config/tests/test_changed.py"]


def test_tests_of_the_package_and_those_that_import_it_are_run() -> None:
    found = suite.touched(["infrastructure/crypto/fernet.py"])
    assert "infrastructure/crypto/tests" in found
    assert any(name.startswith("apps/common/tests/") for name in found)
    assert not any(name.startswith("infrastructure/crypto/tests/") for name in found)
    assert all((suite.ROOT / name).exists() for name in found)


def test_a_template_runs_the_tests_of_its_slice() -> None:
    assert suite.touched(["apps/users/templates/mail.txt"]) == ["apps/users/tests"]


def test_unreachable_changes_run_no_test() -> None:
    assert suite.touched(["README.md", "docs/architecture.md", "manage.py"]) == []
