"""Uploaded images: validated by their content, decoded within bounds, and encoded anew as WebP.

Pillow encodes the stored file from pixels alone: no metadata (such as the location of a photo), no second file type hidden
behind the image, nothing that a browser could run. All work on uploaded bytes is in `converted`, behind its bounds and
its one `except`.
"""

from __future__ import annotations

import io
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings

from infrastructure import lazy_import
from infrastructure.storage.store import StorageUnavailable

if TYPE_CHECKING:
    import PIL
    from PIL import Image, ImageCms, ImageOps
else:
    PIL = lazy_import.module("PIL")
    Image = lazy_import.module("PIL.Image")
    ImageCms = lazy_import.module("PIL.ImageCms")
    ImageOps = lazy_import.module("PIL.ImageOps")

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
TYPE: Final = "image/webp"
_PATIENCE: Final = 10.0
_ORIENTATION: Final = 0x0112
_INTEGERS: Final = {1: "B", 3: "H", 4: "I"}  # TIFF's BYTE, SHORT, LONG
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation(?:=\"|>)([1-8])")
_log = structlog.get_logger(__name__)


class ImageRefused(Exception):
    """The file is not an accepted image. The text says why, and may be shown."""


class DecodersBusy(StorageUnavailable):
    """Too many images are being decoded to wait for a free decoder."""

    retry_after = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A WebP image; `width` and `height` in pixels."""

    content: bytes
    width: int
    height: int


def converted(file: IO[bytes], *, side: int, max_pixels: int, is_square: bool = False) -> Picture:
    """The uploaded image upright, in sRGB, at most `side` pixels long; the centre when it has to be square.

    Raises:
        ImageRefused: it is no image, is damaged or animated, or has more than `max_pixels`.
        DecodersBusy: too many images are being decoded already.
    """
    with _decoder_slot():
        try:
            return _converted(file, side, max_pixels, is_square)
        except ImageRefused:
            raise
        except PIL.UnidentifiedImageError:
            raise ImageRefused("Upload a JPEG, PNG, WebP or GIF image.") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise ImageRefused(_too_large(max_pixels)) from None
        except Exception as error:  # noqa: BLE001  (there is no list of what decoders raise over hostile bytes)
            _log.info("storage.image_refused", cause=type(error).__name__, reason=str(error)[:200])
            raise ImageRefused("The image is damaged.") from None


def _converted(file: IO[bytes], side: int, max_pixels: int, is_square: bool) -> Picture:  # noqa: FBT001
    image: Image.Image = Image.open(file, formats=FORMATS)
    if image.width * image.height > max_pixels:
        raise ImageRefused(_too_large(max_pixels))
    # MPO is what phones call a JPEG with a depth map or a smaller copy behind it: a still image.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ImageRefused("Animations are not taken. Upload a still image.")
    # A JPEG can be decoded at a half, a quarter or an eighth, which saves most of the time and memory.
    scale = side / (min if is_square else max)(image.size)
    if scale < 1:
        image.draft(None, (int(image.width * scale), int(image.height * scale)))
    image.load()
    picture = _scalable(image)
    if is_square:
        length = min(side, *picture.size)
        picture = ImageOps.fit(picture, (length, length))
    else:
        picture.thumbnail((side, side))
    picture = _in_srgb(picture, image.info.get("icc_profile"))
    transposition = _TRANSPOSITIONS.get(_orientation_of(image.info))
    if transposition is not None:
        picture = picture.transpose(Image.Transpose[transposition])
    picture.info = {}  # or the encoder would carry some of it over
    encoded = io.BytesIO()
    picture.save(encoded, "WEBP", quality=85, method=3)
    return Picture(content=encoded.getvalue(), width=picture.width, height=picture.height)


_TRANSPOSITIONS: Final = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def _scalable(image: Image.Image) -> Image.Image:
    """In a mode whose pixels can be averaged: eight bits, no palette, transparency as a band."""
    if image.mode.startswith("I"):
        return _eight_bits(image)
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK") and "transparency" not in image.info:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Greyscale of 16 bits, which Pillow's own conversion would cut off at 255."""
    wide = image.convert("I")
    grey = wide.point([(value + 128) // 257 for value in range(65536)], "L")
    transparent = image.info.get("transparency")
    if transparent is None:
        return grey
    alpha = wide.point([0 if value == transparent else 255 for value in range(65536)], "L")
    return Image.merge("LA", (grey, alpha))


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours of the profile; a profile that is damaged, or of another mode, is ignored."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = "RGBA" if picture.mode == "RGBA" else "RGB"
            shown = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode=mode
            )
        except (ImageCms.PyCMSError, OSError):
            _log.info("storage.colour_profile_ignored")
        else:
            return shown or picture
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _orientation_of(info: dict[Any, Any]) -> int:
    """The orientation of the camera, 1 to 8, by EXIF or else XMP. Nothing else of them is read."""
    found = _exif_orientation(info.get("exif") or b"")
    if found == 1 and (said := _XMP_ORIENTATION.search(info.get("xmp") or b"")):
        return int(said[1])
    return found


def _exif_orientation(exif: bytes) -> int:
    """The value of tag 0x0112 in the first directory (TIFF 6.0, section 2); 1 where none can be read."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    start: int = struct.unpack_from(f"{order}I", tiff, 4)[0]
    count: int = struct.unpack_from(f"{order}H", tiff, start)[0] if start + 2 <= len(tiff) else 0
    for position in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, values = struct.unpack_from(f"{order}HHI", tiff, position)
        if tag == _ORIENTATION and kind in _INTEGERS and values == 1:
            return int(struct.unpack_from(f"{order}{_INTEGERS[kind]}", tiff, position + 8)[0])
    return 1


def _too_large(max_pixels: int) -> str:
    return f"The image has more than {max_pixels:,} pixels."


@cache
def _semaphores() -> tuple[threading.BoundedSemaphore, threading.BoundedSemaphore]:
    """The limits of waiting and of decoding images."""
    decoders: int = settings.IMAGE_DECODERS
    return (
        threading.BoundedSemaphore(decoders + settings.IMAGE_QUEUE),
        threading.BoundedSemaphore(decoders),
    )


@contextmanager
def _decoder_slot() -> Iterator[None]:
    """Wait for one of the process's decoders.

    An image takes four bytes a pixel, several times over, and a second of a processor. A waiting caller holds a request
    thread, so few may wait. Raises DecodersBusy.
    """
    admitted, decoding = _semaphores()
    if not admitted.acquire(blocking=False):
        raise DecodersBusy("Many images are being uploaded right now. Try again in a moment.")
    try:
        if not decoding.acquire(timeout=_PATIENCE):
            raise DecodersBusy("Many images are being uploaded right now. Try again in a moment.")
        try:
            yield
        finally:
            decoding.release()
    finally:
        admitted.release()
