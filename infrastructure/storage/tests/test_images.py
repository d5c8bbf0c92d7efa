"""Uploaded images: accepted and refused files, colours and orientation."""

from __future__ import annotations

import io
import random
import re
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image, ImageCms, ImageSequence

from infrastructure import storage
from infrastructure.storage import images


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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
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
        image("TIFF").getvalue(),
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        bomb(50, 50).getvalue(),
    ],
)
def test_files_of_other_types_are_refused(content: bytes, folder: Path) -> None:
    with pytest.raises(storage.ImageRefused):
        save(io.BytesIO(content))
    assert not list(folder.iterdir())


def test_deleting_twice_is_no_error() -> None:
    name = save(image())
    storage.delete(name)
    assert not default_storage.exists(name)
    storage.delete(name)


def shown(content: bytes, *, side: int = 100) -> Image.Image:
    """The pixels that a browser shows of an upload."""
    picture = images.converted(io.BytesIO(content), side=side, max_pixels=10_000)
    image = Image.open(io.BytesIO(picture.content))
    assert (image.format, image.size) == ("WEBP", (picture.width, picture.height))
    return image


def near(pixel: Any, expected: tuple[int, ...]) -> bool:
    return len(pixel) == len(expected) and all(abs(a - b) <= 6 for a, b in zip(pixel, expected, strict=True))


def exif(*entries: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    """A directory of (tag, type, count, four bytes)."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
    return (
        b"Exif\0\0" + head + struct.pack(f"{order}IH", 8, len(entries)) + body + struct.pack(f"{order}I", 0)
    )


def corner(content: bytes) -> tuple[int, int]:
    """In which corner of the 40 × 20 image the white pixels are, as (right, low)."""
    image = shown(content).convert("L")
    width, height = image.size
    points = {(x, y): image.getpixel((x * (width - 1), y * (height - 1))) for x in (0, 1) for y in (0, 1)}
    return max(points, key=lambda point: points[point])  # type: ignore[arg-type,return-value]


def marked(kind: str, metadata: bytes) -> bytes:
    """An image of 40 × 20 that is white at the upper left, and carries this EXIF."""
    image = Image.new("RGB", (40, 20), "black")
    image.paste("white", (0, 0, 12, 8))
    file = io.BytesIO()
    image.save(file, kind, exif=metadata)
    return file.getvalue()


CORNERS = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}
SHORT = {"<": lambda n: struct.pack("<HH", n, 0), ">": lambda n: struct.pack(">HH", n, 0)}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(kind: str, order: str, orientation: int) -> None:
    content = marked(kind, exif((0x0112, 3, 1, SHORT[order](orientation)), order=order))
    assert corner(content) == CORNERS[orientation]
    assert shown(content).size == ((20, 40) if orientation > 4 else (40, 20))


ODD_TAGS = [
    exif((0x0111, 2, 4, b"odd\0"), (0x0112, 3, 1, SHORT["<"](6))),  # StripOffsets as text
    exif((0x0112, 3, 1, SHORT["<"](6)), (0x0111, 2, 4, b"odd\0"), (0x8769, 2, 4, b"odd\0")),
    exif((0x0112, 3, 1, SHORT["<"](6)), (0x9999, 99, 2**31, b"\xff\xff\xff\xff")),
    exif((0x010F, 2, 2**31, b"\xff\xff\xff\x7f"), (0x0112, 3, 1, SHORT["<"](6))),
    exif((0x0112, 3, 1, SHORT["<"](6)), (0x011A, 5, 1, b"\0\0\0\0"), (0x8825, 4, 1, b"\x08\0\0\0")),
    exif((0x0112, 4, 1, b"\x06\0\0\0")),
    exif((0x0112, 3, 1, SHORT["<"](6)))[:-4],  # no place of a next directory
]
NO_ORIENTATION = [
    b"",
    b"Exif\0\0",
    b"Exif\0\0II*\0\xff\xff\xff\xff",
    b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
    b"Exif\0\0XX*\0\x08\0\0\0\x01\0",
    exif((0x0112, 2, 2, b"6\0\0\0")),
    exif((0x0112, 3, 1, SHORT["<"](0))),
    exif((0x0112, 3, 1, SHORT["<"](9))),
    exif((0x0112, 3, 2**32 - 1, SHORT["<"](6))),
    exif((0x0112, 3, 1, SHORT["<"](6)))[:20],
]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("metadata", ODD_TAGS)
def test_the_orientation_is_read_beside_odd_tags(kind: str, metadata: bytes) -> None:
    assert shown(marked(kind, metadata)).size == (20, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("metadata", NO_ORIENTATION)
def test_metadata_that_cannot_be_read_is_no_reason_to_refuse(kind: str, metadata: bytes) -> None:
    assert shown(marked(kind, metadata)).size == (40, 20)


def test_the_orientation_of_xmp_is_used_without_exif() -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 20)).save(file, "WEBP", xmp=b'<rdf:Description tiff:Orientation="6"/>')
    assert shown(file.getvalue()).size == (20, 40)


def ramp(mode: str) -> Image.Image:
    """16-bit grey from black to white in eight steps of eight pixels."""
    image = Image.new(mode, (64, 8))
    for x in range(64):
        for y in range(8):
            image.putpixel((x, y), x // 8 * 65535 // 7)
    return image


@pytest.mark.parametrize("square", [False, True])
def test_grey_of_16_bits_keeps_its_shades(square: bool) -> None:
    file = io.BytesIO()
    ramp("I;16").save(file, "PNG")
    file.seek(0)
    picture = images.converted(file, side=64, max_pixels=10_000, is_square=square)
    image = Image.open(io.BytesIO(picture.content)).convert("L")
    seen = [image.getpixel((x, 4)) for x in ((0, 7) if square else range(4, 64, 8))]
    wanted = (3 * 255 // 7, 4 * 255 // 7) if square else tuple(step * 255 // 7 for step in range(8))
    assert near(seen, wanted)


def test_grey_of_16_bits_with_a_transparent_shade() -> None:
    file = io.BytesIO()
    ramp("I;16").save(file, "PNG")
    # tRNS (PNG, 11.3.2.1) makes one shade transparent; Pillow does not write it for this mode.
    data = struct.pack(">H", 65535)
    chunk = struct.pack(">I", 2) + b"tRNS" + data + struct.pack(">I", zlib.crc32(b"tRNS" + data))
    content = file.getvalue()
    at = content.index(b"IDAT") - 4
    image = shown(content[:at] + chunk + content[at:])
    assert image.mode == "RGBA"
    assert [image.getpixel((x, 4))[3] for x in (4, 52, 60)] == [255, 255, 0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("mode", "kind", "colour", "expected"),
    [
        ("1", "PNG", 1, (255, 255, 255)),
        ("L", "PNG", 100, (100, 100, 100)),
        ("L", "JPEG", 100, (100, 100, 100)),
        ("LA", "PNG", (100, 128), (100, 100, 100, 128)),
        ("RGB", "WEBP", (10, 120, 200), (10, 120, 200)),
        ("RGBA", "PNG", (10, 120, 200, 128), (10, 120, 200, 128)),
        ("RGBA", "WEBP", (10, 120, 200, 128), (10, 120, 200, 128)),
        ("CMYK", "JPEG", (0, 255, 255, 0), (254, 0, 0)),
    ],
)
def test_colours_are_kept_in_every_mode(mode: str, kind: str, colour: Any, expected: Any) -> None:
    file = io.BytesIO()
    Image.new(mode, (64, 64), colour).save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert near(shown(file.getvalue()).getpixel((32, 32)), expected)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palettes_keep_colours_and_transparency(kind: str) -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, 10, 120, 200])
    image.paste(0, (0, 0, 32, 64))
    opaque, clear = io.BytesIO(), io.BytesIO()
    image.save(opaque, kind)
    image.save(clear, kind, transparency=0)
    assert near(shown(opaque.getvalue()).getpixel((48, 32)), (10, 120, 200))
    assert shown(clear.getvalue()).getpixel((16, 32))[3] == 0  # type: ignore[index]
    assert near(shown(clear.getvalue()).getpixel((48, 32)), (10, 120, 200, 255))


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_colours_are_those_that_the_profile_means(kind: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (250, 0, 0)).save(file, kind, icc_profile=swapped_profile())
    image = shown(file.getvalue())
    assert near(image.getpixel((32, 32)), (0, 250, 0))
    assert image.info.get("icc_profile") is None


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("profile", [b"no profile", swapped_profile()[:200], b"\0" * 200])
def test_a_profile_that_cannot_be_read_is_ignored(mode: str, profile: bytes) -> None:
    file = io.BytesIO()
    Image.new(mode, (64, 64)).save(file, "PNG", icc_profile=profile)
    assert shown(file.getvalue()).size == (64, 64)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_are_refused_with_the_reason(kind: str, folder: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    assert len(list(ImageSequence.Iterator(Image.open(file)))) == 2
    file.seek(0)
    with pytest.raises(storage.ImageRefused, match="Animations are not taken"):
        save(file)
    assert not list(folder.iterdir())


def test_a_photo_with_another_one_behind_it_is_a_still_image() -> None:
    file = io.BytesIO()
    photo = Image.new("RGB", (40, 20), "white")
    photo.save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (10, 10))])
    assert near(shown(file.getvalue()).getpixel((20, 10)), (255, 255, 255))


def test_large_photos_are_decoded_smaller_and_keep_their_proportions() -> None:
    file = io.BytesIO()
    Image.new("RGB", (4000, 3000), (10, 120, 200)).save(file, "JPEG")
    for square, size in ((False, (160, 120)), (True, (160, 160))):
        file.seek(0)
        picture = images.converted(file, side=160, max_pixels=12_000_000, is_square=square)
        assert (picture.width, picture.height) == size


def test_long_and_thin_images_stay_images() -> None:
    file = io.BytesIO()
    Image.new("L", (9000, 1)).save(file, "PNG")
    assert shown(file.getvalue()).size == (100, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_broken_images_are_refused_and_never_an_error(kind: str) -> None:
    chance = random.Random(kind)
    whole = marked(kind, ODD_TAGS[0]) if kind != "GIF" else image("GIF", mode="P").getvalue()
    taken = refused = 0
    for _ in range(400):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        if chance.random() < 0.3:
            del broken[chance.randrange(len(broken)) :]
        try:
            images.converted(io.BytesIO(bytes(broken)), side=16, max_pixels=10_000)
            taken += 1
        except storage.ImageRefused:
            refused += 1
    assert taken + refused == 400
    assert refused > 100


class Slow(io.BytesIO):
    """An upload that is read on only after `go`; counts those that are being read."""

    go = threading.Event()
    started: threading.Semaphore

    def read(self, size: int | None = -1, /) -> bytes:
        self.started.release()
        assert self.go.wait(30)
        return super().read(size)


def test_uploads_beyond_the_queue_get_retry_after(settings: Any) -> None:
    settings.IMAGE_DECODERS, settings.IMAGE_QUEUE = 2, 1
    images._semaphores.cache_clear()
    Slow.go.clear()
    Slow.started = threading.Semaphore(0)
    outcomes: list[str] = []

    def upload() -> None:
        try:
            save(Slow(image().getvalue()))
            outcomes.append("stored")
        except storage.StorageUnavailable as error:
            outcomes.append(f"{type(error).__name__} {error.retry_after}")

    try:
        threads = [threading.Thread(target=upload) for _ in range(12)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            assert Slow.started.acquire(timeout=30)
        while sum(thread.is_alive() for thread in threads) > 3:
            threading.Event().wait(0.01)
        # Nine threads are free again while the images are still being decoded.
        assert outcomes == ["DecodersBusy 2"] * 9
        Slow.go.set()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["DecodersBusy 2"] * 9 + ["stored"] * 3
    finally:
        images._semaphores.cache_clear()
