"""Where clients may be written, and that the last good output survives whatever happens."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from apps.api.clients import manifest
from apps.api.clients.failures import ClientsError, FolderRefused
from apps.api.clients.output import Output


def package(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "index.ts").write_text(text)
    manifest.write(folder, {})
    return folder


def text_of(folder: Path) -> str:
    return (folder / "index.ts").read_text()


@pytest.mark.parametrize(
    "folder",
    [
        ".",
        "/",
        "",
        "..",
        "~",
        "/etc",
        "src",
        "clients/..",
        "clients/../src",
        "clientsx",
        "/clients",
        "./clients/../../x",
    ],
)
def test_nothing_outside_of_the_output_folder_is_written_to(
    root: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (root / "src").mkdir()
    monkeypatch.chdir(root)
    before = sorted(root.rglob("*"))
    with pytest.raises(FolderRefused, match="is refused: clients are written to"):
        Output(Path(folder), root=root)
    assert sorted(root.rglob("*")) == before


def test_the_output_folder_and_those_in_it_are_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert Output(root=root).folder == root / "clients"
    assert Output(Path("clients"), root=root).folder == root / "clients"
    assert Output(Path("./clients/preview/"), root=root).folder == root / "clients" / "preview"


@pytest.mark.parametrize("linked", ["clients", "clients/preview"])
def test_a_link_out_of_it_is_refused(root: Path, tmp_path: Path, linked: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / linked).parent.mkdir(exist_ok=True)
    (root / linked).symlink_to(elsewhere)
    with pytest.raises(FolderRefused, match="is a symbolic link"):
        Output(root / "clients" / "preview" / "deeper", root=root)
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_its_place_is_refused(root: Path) -> None:
    (root / "clients").write_text("mine")
    with pytest.raises(FolderRefused, match="is not a folder"):
        Output(root=root)
    assert (root / "clients").read_text() == "mine"


def test_packages_take_their_places_together(root: Path) -> None:
    output = Output(root=root)
    kept = package(output.folder / "python" / "private", "kept")
    package(output.folder / "typescript" / "private", "old")
    with output.alone(), output.staging() as staged:
        package(staged / "typescript" / "private", "new")
        package(staged / "typescript" / "public", "first")
        output.swap(staged, ["typescript/private", "typescript/public"])
    assert text_of(output.folder / "typescript" / "private") == "new"
    assert text_of(output.folder / "typescript" / "public") == "first"
    assert text_of(kept) == "kept"
    assert sorted(path.name for path in output.folder.iterdir()) == [".lock", "python", "typescript"]


def test_when_one_cannot_take_its_place_those_before_go_back(root: Path) -> None:
    output = Output(root=root)
    old = package(output.folder / "typescript" / "private", "old")
    with output.alone(), output.staging() as staged:
        package(staged / "typescript" / "private", "new")
        with pytest.raises(FileNotFoundError):
            output.swap(staged, ["typescript/private", "typescript/never-made"])
        assert text_of(old) == "old"
        assert text_of(staged / "typescript" / "private") == "new"
    assert sorted(path.name for path in (output.folder / "typescript").iterdir()) == ["private"]


def test_a_folder_of_somebody_else_is_not_replaced(root: Path) -> None:
    output = Output(root=root)
    theirs = output.folder / "typescript" / "private"
    theirs.mkdir(parents=True)
    (theirs / "notes.txt").write_text("mine")
    with output.alone(), output.staging() as staged:
        package(staged / "typescript" / "private", "new")
        with pytest.raises(FolderRefused, match="was not made by this command"):
            output.swap(staged, ["typescript/private"])
    assert (theirs / "notes.txt").read_text() == "mine"


def test_a_link_in_the_place_of_a_package_is_refused(root: Path, tmp_path: Path) -> None:
    output = Output(root=root)
    elsewhere = package(tmp_path / "elsewhere", "theirs")
    (output.folder / "typescript").mkdir(parents=True)
    (output.folder / "typescript" / "private").symlink_to(elsewhere)
    with output.alone(), output.staging() as staged:
        package(staged / "typescript" / "private", "new")
        with pytest.raises(FolderRefused, match="is a symbolic link"):
            output.swap(staged, ["typescript/private"])
    assert text_of(elsewhere) == "theirs"


def test_what_a_killed_run_left_is_put_right(root: Path) -> None:
    output = Output(root=root)
    # Killed between the two renames of `private`, after `public` was through.
    package(output.folder / ".old-0123456789ab" / "typescript" / "private", "old private")
    package(output.folder / ".old-0123456789ab" / "typescript" / "public", "old public")
    package(output.folder / "typescript" / "public", "new public")
    package(output.folder / ".new-0123456789ab" / "typescript" / "private", "half")
    (output.folder / ".newspaper").mkdir()
    with output.alone():
        assert text_of(output.folder / "typescript" / "private") == "old private"
        assert text_of(output.folder / "typescript" / "public") == "new public"
        assert sorted(path.name for path in output.folder.iterdir()) == [".lock", ".newspaper", "typescript"]


def test_two_runs_do_not_write_at_once(root: Path) -> None:
    output = Output(root=root)
    output.folder.mkdir()
    with (output.folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(ClientsError, match="Another run writes to"), output.alone():
            pytest.fail("it went on")
    with output.alone():
        assert [path.name for path in output.folder.iterdir()] == [".lock"]
