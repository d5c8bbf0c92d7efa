"""The archive: one file for each different generation, equal bytes for equal content."""

from __future__ import annotations

import tarfile
from datetime import date
from pathlib import Path

from apps.api.clients.plan import Language
from apps.api.tests.clients.conftest import Make, content

FIRST, SECOND = date(2026, 11, 25), date(2026, 11, 26)


def test_each_different_generation_is_archived_once(make: Make, root: Path) -> None:
    folder = root / "clients" / "archive"
    options = {"zones": ["closed"], "languages": [Language.TYPESCRIPT], "archive": True}
    make("a", today=FIRST, **options)
    (first,) = folder.iterdir()
    assert first.name.startswith("2026-11-25-")
    report = make("a", today=SECOND, **options)
    assert report.remarks[0] == f"{first.name} already has this content"
    make("b", today=SECOND, **options)
    make("a", today=SECOND, **options)
    names = sorted(path.name for path in folder.iterdir())
    assert [name[:10] for name in names] == ["2026-11-25", "2026-11-26", "2026-11-26"]
    # Equal content on another day: another name, equal bytes.
    again = next(name for name in names if name[10:] == first.name[10:] and name[:10] == "2026-11-26")
    assert (folder / again).read_bytes() == first.read_bytes()


def test_the_archive_has_the_generated_files(make: Make, root: Path) -> None:
    make(zones=["closed"], languages=[Language.TYPESCRIPT], archive=True)
    (path,) = (root / "clients" / "archive").iterdir()
    with tarfile.open(path) as archive:
        held = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
        assert {(entry.mtime, entry.uid, entry.mode) for entry in archive} == {(0, 0, 0o644)}
    assert held == {
        f"typescript/closed/{name}": data
        for name, data in content(root / "clients/typescript/closed").items()
    }
