"""Files of users: accepted types, stored names and types, and downloads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from infrastructure.storage import files


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """A store of this test's own."""
    private = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"private": private}
    return tmp_path


def save(content: bytes, **limits: int) -> files.StoredFile:
    return files.save(
        io.BytesIO(content), folder="x", **{"max_bytes": 10_000, "max_pixels": 10_000, **limits}
    )


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"PK\x03\x04" + bytes(20), "application/zip"),
        (b"ID3" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb" + bytes(20), "audio/mpeg"),
        (b"OggS" + bytes(20), "application/ogg"),
        (b"\x1aE\xdf\xa3" + bytes(20), "video/webm"),
        (bytes(4) + b"ftypisom" + bytes(20), "video/mp4"),
        ("Größe\r\n\ta,b".encode(), "text/plain"),
        (b"<html><script>alert(1)</script>", "text/plain"),
    ],
)
def test_types_are_detected_by_content(content: bytes, type_: str) -> None:
    stored = save(content)
    assert (stored.type, stored.size, stored.width) == (type_, len(content), None)
    with files.open_file(stored.key) as file:
        assert file.read() == content
    files.delete(stored.key)
    files.delete(stored.key)
    with pytest.raises(FileNotFoundError):
        files.open_file(stored.key)


@pytest.mark.parametrize(
    "content",
    [b"", b"MZ" + bytes(20), b"\x7fELF" + bytes(20), b"text\x00", b"\x1b[31m", b"\xff\xfe", b"x" * 10_001],
)
def test_all_else_is_refused_and_leaves_nothing(folder: Path, content: bytes) -> None:
    with pytest.raises(files.FileRefused):
        save(content)
    assert list(folder.rglob("*")) == []


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_images_are_reencoded_without_metadata(format: str) -> None:
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    exif[0x0112] = 6  # held upright: 60 × 40 is 40 × 60
    Image.new("RGB", (60, 40), "teal").save(data, format, exif=exif)
    stored = save(data.getvalue() + b"<script>alert(1)</script>")
    assert (stored.type, stored.width, stored.height) == ("image/webp", 40, 60)
    with files.open_file(stored.key) as file:
        content = file.read()
    assert len(content) == stored.size
    assert b"script" not in content
    assert b"where" not in content
    assert Image.open(io.BytesIO(content)).format == "WEBP"


def test_images_keep_their_transparency() -> None:
    data = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(data, "PNG")
    with files.open_file(save(data.getvalue()).key) as file:
        assert Image.open(io.BytesIO(file.read())).mode == "RGBA"


@pytest.mark.parametrize(
    ("name", "type_", "clean"),
    [
        ("plan.pdf", "application/pdf", "plan.pdf"),
        ("../../etc/passwd", "text/plain", "passwd"),
        ("C:\\Users\\ada\\plan.pdf", "application/pdf", "plan.pdf"),
        ("moor.JPG", "image/webp", "moor.webp"),
        ("moor", "image/webp", "moor.webp"),
        ("\u202egpj.exe", "application/zip", "gpj.exe"),
        ("Größe 東京.txt", "text/plain", "Größe 東京.txt"),
        ('a"b<c>\n.txt', "text/plain", "a_b_c_.txt"),
        ("...", "text/plain", "file"),
        ("", "text/plain", "file"),
        ("x" * 50 + ".pdf", "application/pdf", "x" * 16 + ".pdf"),
        ("x" * 50, "text/plain", "x" * 20),
    ],
)
def test_names_are_fit_to_be_shown_and_saved(name: str, type_: str, clean: str) -> None:
    assert files.clean_name(name, type=type_, length=20) == clean
