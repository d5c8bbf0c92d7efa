"""Uploaded images: what is taken, what is stored of it, and what is refused."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from infrastructure import storage


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def image(
    kind: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any
) -> io.BytesIO:
    file = io.BytesIO()
    colour: tuple[float, ...] | float = (255, 0, 0, 90)[: len(mode)] if len(mode) > 1 else 1
    Image.new(mode, size, colour).save(file, kind, **options)
    file.seek(0)
    return file


def save(file: Any, *, size: int = 16, max_pixels: int = 10_000) -> str:
    return storage.save_avatar(file, size=size, max_pixels=max_pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_middle_square_is_stored_as_webp_under_a_random_name(kind: str) -> None:
    name = save(image(kind))
    assert re.fullmatch(r"avatars/[0-9a-f]{32}\.webp", name)
    with default_storage.open(name) as file, Image.open(file) as stored:
        assert (stored.format, stored.size) == ("WEBP", (16, 16))
    assert storage.url(name) == f"/media/{name}"
    assert save(image(kind)) != name


def test_small_images_are_not_blown_up_and_transparency_stays() -> None:
    with default_storage.open(save(image(size=(9, 7), mode="RGBA"))) as file, Image.open(file) as stored:
        assert (stored.size, stored.mode) == ((7, 7), "RGBA")
    with default_storage.open(save(image(mode="P"))) as file, Image.open(file) as stored:
        assert stored.mode == "RGB"


def test_nothing_but_pixels_is_stored() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6
    with default_storage.open(save(image("JPEG", exif=exif), size=512)) as file:
        content = file.read()
    assert b"taken at home" not in content
    with Image.open(io.BytesIO(content)) as stored:
        assert not stored.getexif()


def test_a_file_behind_the_image_is_not_stored() -> None:
    file = io.BytesIO(image("PNG").getvalue() + b"<script>alert(1)</script>")
    with default_storage.open(save(file)) as stored:
        assert b"script" not in stored.read()


def bomb(width: int, height: int) -> io.BytesIO:
    """A PNG that claims to be large, in some hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(101, 100), (10_000, 10_000), (20_000, 10_000), (60_000, 60_000)])
def test_large_images_are_refused_before_they_are_decoded(size: tuple[int, int], folder: Path) -> None:
    with pytest.raises(storage.ImageRefused, match="more than 10,000 pixels"):
        save(bomb(*size))
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\x00" * 20,
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<html></html>",
        b"%PDF-1.7",
        image("PNG").getvalue()[:60],
        image("JPEG").getvalue()[:300],
        image("BMP").getvalue(),
        image("GIF", mode="P").getvalue(),
        image("TIFF").getvalue(),
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        bomb(50, 50).getvalue(),
    ],
)
def test_what_is_no_image_of_these_kinds_is_refused(content: bytes, folder: Path) -> None:
    with pytest.raises(storage.ImageRefused):
        save(io.BytesIO(content))
    assert not list(folder.iterdir())


def test_deleting_twice_is_no_error() -> None:
    name = save(image())
    storage.delete(name)
    assert not default_storage.exists(name)
    storage.delete(name)
