"""Copies in other repositories: kept up to date, and nothing of anybody else touched."""

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
def theirs(tmp_path: Path) -> Path:
    """The folder of another repository."""
    path = tmp_path / "app" / "vendor"
    path.mkdir(parents=True)
    (path / "notes.txt").write_text("mine")
    return path


def test_copies_are_made_and_kept_up_to_date(make: Make, root: Path, theirs: Path) -> None:
    report = make("a", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert report.data["copied"]["removed"] == ()
    made = content(root / "clients" / "typescript" / "closed")
    del made[".generated.json"]
    copied = content(theirs)
    assert {name.removeprefix("typescript/closed/") for name in copied} == {
        *made,
        "notes.txt",
        ".clients.json",
    }
    report = make("b", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert report.data["copied"]["written"] == (API,)
    assert content(theirs)[API].startswith(b"// b ")
    assert (theirs / "notes.txt").read_text() == "mine"


def test_what_is_no_longer_made_goes_unless_it_was_changed(make: Make, theirs: Path) -> None:
    make(zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    listed = json.loads((theirs / ".clients.json").read_text())
    for name in ("old/deep/gone.ts", "old/changed.ts"):
        path = theirs / "typescript/closed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("export {};\n")
        listed["files"][f"typescript/closed/{name}"] = manifest.digest(b"export {};\n")
    (theirs / ".clients.json").write_text(json.dumps(listed))
    (theirs / "typescript/closed/old/changed.ts").write_text("export const mine = 1;\n")
    (theirs / "typescript/closed/added.ts").write_text("// by hand\n")
    report = make(zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert report.data["copied"] == {
        "written": (),
        "removed": ("typescript/closed/old/deep/gone.ts",),
        "left": ("typescript/closed/old/changed.ts",),
    }
    assert (
        "typescript/closed/old/changed.ts is no longer made, but was changed there: it stays"
        in report.remarks
    )
    assert not (theirs / "typescript/closed/old/deep").exists()
    assert (theirs / "typescript/closed/old/changed.ts").read_text() == "export const mine = 1;\n"
    assert (theirs / "typescript/closed/added.ts").read_text() == "// by hand\n"


@pytest.mark.parametrize("is_listed", [True, False])
def test_files_of_others_are_not_overwritten(make: Make, root: Path, theirs: Path, is_listed: bool) -> None:
    if is_listed:
        make("a", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    (theirs / API).parent.mkdir(parents=True, exist_ok=True)
    (theirs / API).write_text("// patched by hand\n")
    before, made_before = content(theirs), content(root)
    with pytest.raises(ClientsError, match="was not written by this command, or was changed since"):
        make("b", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert content(theirs) == before
    # Nor is anything new in the output folder: all or nothing.
    assert {name: data for name, data in content(root).items() if not name.endswith(".lock")} == {
        name: data for name, data in made_before.items() if not name.endswith(".lock")
    }


def test_copies_of_other_zones_stay(make: Make, theirs: Path) -> None:
    make("a", zones=["open"], languages=TYPESCRIPT, sync=theirs)
    before = content(theirs / "typescript" / "open")
    make("b", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert content(theirs / "typescript" / "open") == before
    listed = json.loads((theirs / ".clients.json").read_text())["files"]
    assert {name.split("/")[1] for name in listed} == {"open", "closed"}


def test_a_copy_that_broke_off_is_taken_up_again(
    make: Make, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    written: list[Path] = []
    write = sync.Target._write

    def breaking(self: sync.Target, origin: Path, path: Path) -> None:
        if written:
            raise OSError("no space left")
        written.append(path)
        write(self, origin, path)

    listed = json.loads((theirs / ".clients.json").read_text())
    for name in (API, README):  # two that differ from what is made
        (theirs / name).write_text("older\n")
        listed["files"][name] = manifest.digest(b"older\n")
    (theirs / ".clients.json").write_text(json.dumps(listed))
    with monkeypatch.context() as broken:
        broken.setattr(sync.Target, "_write", breaking)
        with pytest.raises(OSError, match="no space left"):
            make("b", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert len(written) == 1
    # It goes on with yet another content: neither the file that was written nor the one that was not is a stranger's.
    report = make("c", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert API in report.data["copied"]["written"]
    assert make("c", zones=["closed"], languages=TYPESCRIPT, sync=theirs, check=True).ok


def test_check_compares_the_copies(make: Make, root: Path, theirs: Path) -> None:
    make("a", zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    (theirs / README).write_text("changed\n")
    report = make("a", zones=["closed"], languages=TYPESCRIPT, sync=theirs, check=True)
    assert list(report.findings) == [f"{README} differs"]
    report = make("b", zones=["closed"], languages=TYPESCRIPT, sync=theirs, check=True)
    assert list(report.findings) == [f"{README} differs", f"{API} differs"]


def test_links_in_the_way_are_refused(make: Make, theirs: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (theirs / "typescript").symlink_to(elsewhere)
    with pytest.raises(FolderRefused, match="is a symbolic link"):
        make(zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert list(elsewhere.iterdir()) == []


def test_folders_that_cannot_be_meant_are_refused(root: Path, tmp_path: Path) -> None:
    (root / "clients" / "copies").mkdir(parents=True)
    for folder in (Path("/"), tmp_path, root, Path.home()):
        with pytest.raises(FolderRefused, match="name a folder for clients"):
            sync.Target(folder, root=root)
    for folder in (root / "clients", root / "clients" / "copies"):
        with pytest.raises(FolderRefused, match="no place for copies"):
            sync.Target(folder, root=root)
    with pytest.raises(FolderRefused, match="there is no such folder"):
        sync.Target(root / "nowhere", root=root)


def test_a_list_of_somebody_else_stops_it(make: Make, theirs: Path) -> None:
    (theirs / ".clients.json").write_text("[]")
    with pytest.raises(ClientsError, match="is not a list of ours"):
        make(zones=["closed"], languages=TYPESCRIPT, sync=theirs)
    assert sorted(content(theirs)) == [".clients.json", "notes.txt"]
