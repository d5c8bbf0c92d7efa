"""The stores: whole files or nothing, one error for each failure, and no orphans for longer than a day."""

from __future__ import annotations

import errno
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from PIL import Image

from infrastructure import storage
from infrastructure.storage import store
from infrastructure.storage.tests.full_disk import room_for


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Stores of this test's own."""
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"private": backend, "default": backend}
    return tmp_path


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_is_one_error_and_leaves_nothing(folder: Path) -> None:
    noise = io.BytesIO()
    Image.effect_noise((600, 600), 100).save(noise, "PNG")
    with room_for(50_000):
        for save in (
            lambda: store.save("private", "x/key", ContentFile(b"x" * 100_000)),
            lambda: storage.files.save(
                io.BytesIO(b"x" * 100_000), folder="x", max_bytes=200_000, max_pixels=1
            ),
            lambda: storage.files.save(noise, folder="x", max_bytes=1_000_000, max_pixels=1_000_000),
            lambda: storage.save_avatar(noise, size=512, max_pixels=1_000_000),
        ):
            with pytest.raises(storage.StorageUnavailable, match="no room") as failure:
                save()
            assert (failure.value.retry_after, left_in(folder)) == (30, [])
    assert store.save("private", "x/key", ContentFile(b"x" * 100_000)) == "x/key"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "no room"), (errno.EDQUOT, "no room"), (errno.EIO, "cannot"), (errno.EROFS, "cannot")],
)
def test_every_failure_of_a_disk_is_one_error(
    monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    for method in ("_save", "_open", "delete", "listdir"):
        monkeypatch.setattr(FileSystemStorage, method, fail)
    for call in (
        lambda: store.save("private", "x/key", ContentFile(b"x")),
        lambda: store.open_file("private", "x/key"),
        lambda: store.delete("private", "x/key"),
        lambda: store.sweep("private", "x", before=datetime.now(UTC), known=[]),
    ):
        with pytest.raises(storage.StorageUnavailable, match=words):
            call()


def test_orphans_are_swept_after_a_while(folder: Path) -> None:
    assert store.sweep("private", "x", before=datetime.now(UTC), known=[]) == 0
    now = datetime.now(UTC)
    for name, days in (("known", 9), ("old", 2), ("partial.webp", 2), ("new", 0)):
        store.save("private", f"x/{name}", ContentFile(b"x"))
        moment = (now - timedelta(days=days)).timestamp()
        os.utime(folder / "x" / name, (moment, moment))
    store.save("private", "elsewhere", ContentFile(b"x"))
    assert store.sweep("private", "x", before=now - timedelta(days=1), known=iter(["x/known", "x/gone"])) == 2
    assert left_in(folder) == ["elsewhere", "x/known", "x/new"]
