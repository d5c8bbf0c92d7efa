"""The table of variables: owners, collection, and the files that repeat it."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.common import slices
from apps.common.slices import Slice
from config import env
from config.env import BASE_DIR
from infrastructure import environment
from scripts import variables


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install slices with these settings."""
    found = list(slices.on_disk())

    def offer(label: str, **values: Any) -> None:
        package, module = f"apps.{label}", ModuleType(f"apps.{label}.settings")
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        found.append(Slice(label, package))
        monkeypatch.setattr(slices, "on_disk", lambda: tuple(found))

    return offer


def test_each_owner_is_found_with_its_variables() -> None:
    declared = {module: [one.name for one in owner.declared] for module, owner in env.declared().items()}
    assert declared["config.settings.components.storage"][0] == "DATA_DIR"
    assert declared["apps.users.settings"][0] == "JWT_ALGORITHM"
    assert "apps.api.settings" not in declared
    names = [name for found in declared.values() for name in found]
    assert len(names) == len(set(names))


def test_settings_of_slices_are_merged(offer: Any, settings: Any) -> None:
    offer("notes", NOTES_PER_PAGE=7, _HIDDEN=1, VARIABLES=environment.Variables("Notes"), helper=len, TEST={})
    found = env.slice_settings({})
    assert found["NOTES_PER_PAGE"] == 7
    assert not {"_HIDDEN", "VARIABLES", "helper", "TEST"} & found.keys()
    assert found["JWT_ISSUER"] == settings.JWT_ISSUER


def test_a_setting_has_one_owner(offer: Any) -> None:
    offer("orders", IDENTITY_LIMITS={})
    with pytest.raises(
        ImproperlyConfigured, match=r"IDENTITY_LIMITS is declared by apps\.[a-z.]+ and by apps\.[a-z.]+:"
    ):
        env.slice_settings({})


def test_a_setting_of_all_is_not_a_slices_to_change(offer: Any) -> None:
    offer("notes", REDIS_URL="redis://other")
    with pytest.raises(
        ImproperlyConfigured, match=r"REDIS_URL is declared by config\.settings and by apps\.notes"
    ):
        env.slice_settings({"REDIS_URL": ""})


def test_a_variable_has_one_owner(offer: Any) -> None:
    own = environment.Variables("Notes")
    own.flag("DATABASE_POOL", True, "Twice")
    offer("notes", VARIABLES=own)
    with pytest.raises(
        ImproperlyConfigured, match=r"DATABASE_POOL is declared by config\.settings\.components\.database"
    ):
        env.declared()


def test_an_environment_changes_settings_of_slices(offer: Any) -> None:
    offer("notes", NOTES_PER_PAGE=7, TEST={"NOTES_PER_PAGE": 2})
    assert env.overrides("TEST")["NOTES_PER_PAGE"] == 2
    assert "NOTES_PER_PAGE" not in env.overrides("DEVELOPMENT")
    offer("others", TEST={"NOTES_PER_PAGE": 1})
    with pytest.raises(ImproperlyConfigured, match=r"apps\.others\.settings\.TEST changes NOTES_PER_PAGE"):
        env.overrides("TEST")


def test_nothing_else_reads_the_environment() -> None:
    """No other module reads a variable past the table."""
    reads = re.compile(
        r"os\.environ\b(?!\[\w+\] = )(?!\.setdefault\(\s*\"DJANGO_SETTINGS_MODULE\")|os\.getenv\b"
    )
    readers = {
        str(path.relative_to(BASE_DIR))
        for folder in ("apps", "config", "infrastructure")
        for path in (BASE_DIR / folder).rglob("*.py")
        if not {"tests", "testing"} & {*path.parts}
        and "embedded" not in path.parts
        and reads.search(path.read_text(encoding="utf-8"))
    }
    assert readers == {"infrastructure/environment/__init__.py"}


def test_readers_of_settings_of_others_are_found(tmp_path: Any) -> None:
    assert variables.readers() == []
    for path, text in {
        "apps/orders/limits.py": "settings.IDENTITY_LIMITS, settings.AUDIT_RETENTION, settings.AUTH_USER_MODEL",
        "apps/orders/tests/test_limits.py": "settings.IDENTITY_LIMITS",
        "apps/users/limits.py": "settings.IDENTITY_LIMITS",
        "apps/common/audit.py": "settings.AUDIT_RETENTION",
        "infrastructure/cache/redis.py": "# see AUDIT_RETENTION_DAYS",
        "apps/api/problems.py": "settings.AUDIT_RETENTION, settings.JWT_KEYS, settings.MY_JWT_KEYS",
        "config/admin_site.py": "settings.JWT_KEYS",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert variables.readers(tmp_path) == [
        "apps/api/problems.py names JWT_KEYS, which apps/users/settings.py declares",
        "apps/orders/limits.py names IDENTITY_LIMITS, which apps/users/settings.py declares",
        "infrastructure/cache/redis.py names AUDIT_RETENTION_DAYS, which apps/common/settings.py declares",
    ]


def test_unused_names_cause_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        environment,
        "names",
        lambda: {
            "REFRESH_TOKEN_SECOND",
            "RATES_UNKNOWN",
            "SENTRY_DNS",
            "PATH",
            "SESSION_MANAGER",
            "REDIS_PORT_6379_TCP",
            "REDIS_SERVICE_HOST",
            "REDIS_MAXMEMORY",
            "WEB_THREADS",
        },
    )
    found = [(warning.id, warning.msg, warning.hint) for warning in env.check_names(None)]
    assert found == [
        (
            "config.W001",
            "The environment variable RATES_UNKNOWN is set, and nothing reads it.",
            "docs/configuration.md lists all variables.",
        ),
        (
            "config.W001",
            "The environment variable REFRESH_TOKEN_SECOND is set, and nothing reads it.",
            "REFRESH_TOKEN_SECONDS may be meant. docs/configuration.md lists all variables.",
        ),
        (
            "config.W001",
            "The environment variable SENTRY_DNS is set, and nothing reads it.",
            "SENTRY_DSN may be meant. docs/configuration.md lists all variables.",
        ),
    ]


@pytest.mark.parametrize("name", variables.FILES)
def test_files_repeat_the_table(name: str) -> None:
    text = (BASE_DIR / name).read_text(encoding="utf-8")
    assert variables.FILES[name](text) == text, "make variables"


def test_a_new_variable_appears_in_every_file(offer: Any) -> None:
    own = environment.Variables("Notes")
    own.number("NOTES_PER_PAGE", 7, "Notes of `one` page", least=1, most=50)
    offer("notes", VARIABLES=own)
    made = {
        name: make((BASE_DIR / name).read_text(encoding="utf-8")) for name, make in variables.FILES.items()
    }
    assert "\n| **Notes** | | | `apps/notes/settings.py` |\n" in made["docs/configuration.md"]
    assert "\n| `NOTES_PER_PAGE` | 1 to 50 | `7` | Notes of `one` page |\n" in made["docs/configuration.md"]
    assert (
        "\n\n# --- Notes ---\n\n# Notes of one page (1 to 50).\n#NOTES_PER_PAGE=7\n" in made[".env.example"]
    )
    assert "\n  NOTES_PER_PAGE:\n" in made["docker-compose.yml"]


def test_command_compares_and_writes(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in variables.FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((BASE_DIR / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(variables, "ROOT", tmp_path)
    assert variables.main([]) == 0
    table = tmp_path / "docs" / "configuration.md"
    whole = table.read_text(encoding="utf-8")
    table.write_text(re.sub(r"\| `WEB_THREADS`.*\n", "", whole), encoding="utf-8")
    assert variables.main([]) == 1
    assert (
        capsys.readouterr().out
        == "docs/configuration.md: its variables are not those that are declared: make variables\n"
    )
    assert variables.main(["--write"]) == 0
    assert table.read_text(encoding="utf-8") == whole
    table.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="lacks its marks <!-- variables -->"):
        variables.main([])
    assert variables.main(["--other"]) == 2
