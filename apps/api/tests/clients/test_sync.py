"""Copies in other repositories: they are updated, and other files stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.api.clients import manifest, sync
from apps.api.clients.failures import ClientsError, FolderRefused
from apps.api.clients.plan import Language
from apps.api.tests.clients.conftest import Make, content

TYPESCRIPT = [Language.TYPESCRIPT]
README = "typescript/closed/README.md"
API = "typescript/closed/src/api/index.ts"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The folder of another repository."""
    path = tmp_path / "app" / "vendor"
    path.mkdir(parents=True)
    (path / "notes.txt").write_text("mine")
    return path


def test_copies_are_made_and_kept_up_to_date(make: Make, root: Path, target: Path) -> None:
    report = make("a", zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert report.data["copied"]["removed"] == ()
    made = content(root / "clients" / "typescript" / "closed")
    del made[".generated.json"]
    copied = content(target)
    assert {name.removeprefix("typescript/closed/") for name in copied} == {
        *made,
        "notes.txt",
        ".clients.json",
    }
    report = make("b", zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert report.data["copied"]["written"] == (API,)
    assert content(target)[API].startswith(b"// b ")
    assert (target / "notes.txt").read_text() == "mine"


def test_old_copies_are_removed_unless_they_were_edited(make: Make, target: Path) -> None:
    make(zones=["closed"], languages=TYPESCRIPT, sync=target)
    listed = json.loads((target / ".clients.json").read_text())
    for name in ("old/deep/gone.ts", "old/changed.ts"):
        path = target / "typescript/closed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("export {};\n")
        listed["files"][f"typescript/closed/{name}"] = manifest.digest(b"export {};\n")
    (target / ".clients.json").write_text(json.dumps(listed))
    (target / "typescript/closed/old/changed.ts").write_text("export const mine = 1;\n")
    (target / "typescript/closed/added.ts").write_text("// by hand\n")
    report = make(zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert report.data["copied"] == {
        "written": (),
        "removed": ("typescript/closed/old/deep/gone.ts",),
        "left": ("typescript/closed/old/changed.ts",),
    }
    assert (
        "typescript/closed/old/changed.ts is no longer generated, but was edited: it stays" in report.remarks
    )
    assert not (target / "typescript/closed/old/deep").exists()
    assert (target / "typescript/closed/old/changed.ts").read_text() == "export const mine = 1;\n"
    assert (target / "typescript/closed/added.ts").read_text() == "// by hand\n"


@pytest.mark.parametrize("is_listed", [True, False])
def test_other_files_are_not_overwritten(make: Make, root: Path, target: Path, is_listed: bool) -> None:
    if is_listed:
        make("a", zones=["closed"], languages=TYPESCRIPT, sync=target)
    (target / API).parent.mkdir(parents=True, exist_ok=True)
    (target / API).write_text("// patched by hand\n")
    before, made_before = content(target), content(root)
    with pytest.raises(ClientsError, match="was not written by this command, or was edited since"):
        make("b", zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert content(target) == before
    # The output folder has not changed either.
    assert {name: data for name, data in content(root).items() if not name.endswith(".lock")} == {
        name: data for name, data in made_before.items() if not name.endswith(".lock")
    }


def test_copies_of_other_zones_stay(make: Make, target: Path) -> None:
    make("a", zones=["open"], languages=TYPESCRIPT, sync=target)
    before = content(target / "typescript" / "open")
    make("b", zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert content(target / "typescript" / "open") == before
    listed = json.loads((target / ".clients.json").read_text())["files"]
    assert {name.split("/")[1] for name in listed} == {"open", "closed"}


def test_an_interrupted_copy_is_continued(make: Make, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a", zones=["closed"], languages=TYPESCRIPT, sync=target)
    written: list[Path] = []
    write = sync.Target._write

    def breaking(self: sync.Target, origin: Path, path: Path) -> None:
        if written:
            raise OSError("no space left")
        written.append(path)
        write(self, origin, path)

    listed = json.loads((target / ".clients.json").read_text())
    for name in (API, README):  # two that differ from the new content
        (target / name).write_text("older\n")
        listed["files"][name] = manifest.digest(b"older\n")
    (target / ".clients.json").write_text(json.dumps(listed))
    with monkeypatch.context() as broken:
        broken.setattr(sync.Target, "_write", breaking)
        with pytest.raises(OSError, match="no space left"):
            make("b", zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert len(written) == 1
    # The next copy has other content. It may replace the file that was written and the one that was not.
    report = make("c", zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert API in report.data["copied"]["written"]
    assert make("c", zones=["closed"], languages=TYPESCRIPT, sync=target, check=True).ok


def test_check_compares_the_copies(make: Make, root: Path, target: Path) -> None:
    make("a", zones=["closed"], languages=TYPESCRIPT, sync=target)
    (target / README).write_text("changed\n")
    report = make("a", zones=["closed"], languages=TYPESCRIPT, sync=target, check=True)
    assert list(report.findings) == [f"{README} differs"]
    report = make("b", zones=["closed"], languages=TYPESCRIPT, sync=target, check=True)
    assert list(report.findings) == [f"{README} differs", f"{API} differs"]


def test_links_in_the_way_are_refused(make: Make, target: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (target / "typescript").symlink_to(elsewhere)
    with pytest.raises(FolderRefused, match="is a symbolic link"):
        make(zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert list(elsewhere.iterdir()) == []


def test_folders_that_are_mistakes_are_refused(root: Path, tmp_path: Path) -> None:
    (root / "clients" / "copies").mkdir(parents=True)
    for folder in (Path("/"), tmp_path, root, Path.home()):
        with pytest.raises(FolderRefused, match="name a folder for clients"):
            sync.Target(folder, root=root)
    for folder in (root / "clients", root / "clients" / "copies"):
        with pytest.raises(FolderRefused, match="copies cannot go into the output folder"):
            sync.Target(folder, root=root)
    with pytest.raises(FolderRefused, match="there is no such folder"):
        sync.Target(root / "nowhere", root=root)


def test_an_invalid_list_stops_the_copy(make: Make, target: Path) -> None:
    (target / ".clients.json").write_text("[]")
    with pytest.raises(ClientsError, match="was not written by this command"):
        make(zones=["closed"], languages=TYPESCRIPT, sync=target)
    assert sorted(content(target)) == [".clients.json", "notes.txt"]
