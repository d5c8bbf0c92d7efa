"""The environment table: what is read, what is refused, and what the README says of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.env import BASE_DIR


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", True),
        ("TRUE", True),
        ("yes", True),
        ("on", True),
        ("0", False),
        ("False", False),
        ("no", False),
        ("", False),
    ],
)
def test_flag(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("REQUIRE_VERIFIED_EMAIL", value)
    assert env.flag("REQUIRE_VERIFIED_EMAIL") is expected


def test_flag_refuses_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_VERIFIED_EMAIL", "maybe")
    with pytest.raises(
        ImproperlyConfigured, match="REQUIRE_VERIFIED_EMAIL must be true or false, not 'maybe'"
    ):
        env.flag("REQUIRE_VERIFIED_EMAIL")


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "", "٣"])
def test_number_refuses_what_is_not_a_whole_number(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WEB_THREADS", value)
    with pytest.raises(ImproperlyConfigured, match="WEB_THREADS must be a whole number"):
        env.number("WEB_THREADS")


def test_items_are_trimmed_and_empty_ones_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", " a.example, ,b.example ,")
    assert env.items("ALLOWED_HOSTS") == ["a.example", "b.example"]


def test_missing_variable_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL is not set \(PostgreSQL.*\.env"):
        env.url("DATABASE_URL")


def test_other_engines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///db.sqlite3")
    with pytest.raises(ImproperlyConfigured, match="postgres://"):
        env.database()


def test_variable_is_read_as_it_is_declared() -> None:
    with pytest.raises(TypeError, match="WEB_THREADS is declared as number, not text"):
        env.text("WEB_THREADS")
    with pytest.raises(KeyError):
        env.text("NOT_IN_THE_TABLE")


def test_nothing_else_reads_the_environment() -> None:
    """A variable that the table does not know cannot creep in elsewhere."""
    reads = re.compile(r"os\.environ\b(?!\.setdefault\(\s*\"DJANGO_SETTINGS_MODULE\")|os\.getenv\b")
    readers = {
        str(path.relative_to(BASE_DIR))
        for folder in ("apps", "config", "infrastructure")
        for path in (BASE_DIR / folder).rglob("*.py")
        if "tests" not in path.parts
        and "embedded" not in path.parts
        and reads.search(path.read_text(encoding="utf-8"))
    }
    assert readers == {"config/env.py"}


def test_every_variable_is_used_and_named_once() -> None:
    names = [variable.name for variable in env.VARIABLES]
    assert len(names) == len(set(names))
    readers = [*(BASE_DIR / "config").rglob("*.py"), BASE_DIR / "deploy" / "gunicorn.conf.py"]
    settings = "\n".join(path.read_text(encoding="utf-8") for path in readers if "tests" not in path.parts)
    unused = [
        name
        for name in names
        if not re.search(rf'env\.\w+\("{name}"\)', settings) and name not in ("DATABASE_URL", "EMAIL_URL")
    ]
    assert unused == []


def test_reference_is_printed_as_markdown() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.env"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == env.markdown() + "\n"
    assert "| `WEB_THREADS` | number | `8` |" in done.stdout
