"""Files that people hand to each other: told apart by their content, taken by a short list, kept where no URL leads.

Images are written anew from their pixels (see `images`). Everything else is stored as it came and is only ever handed
out as a download, with a type of this list: what hides inside is never run by a browser that heeds it.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages

from infrastructure import lazy_import
from infrastructure.storage import images

if TYPE_CHECKING:
    from PIL import ImageOps
else:
    ImageOps = lazy_import.module("PIL.ImageOps")

ALIAS: Final = "private"
MAX_SIDE: Final = 2560
_IMAGE: Final = "image/webp"
# What begins like this is that. Office documents are archives; of text there is no sign but that it is text.
_SIGNS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "application/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
# An image takes four bytes a pixel, several times over, while it is decoded.
_decoding: Final = threading.BoundedSemaphore(2)


class FileRefused(Exception):
    """A file that is not taken; the text says why, and may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What is stored: `key` in the storage; `size` in bytes; `width` and `height` of images in pixels."""

    key: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None


def save(file: IO[bytes], *, folder: str, max_bytes: int, max_pixels: int) -> StoredFile:
    """Store a file under a random name. Raises FileRefused."""
    size = file.seek(0, io.SEEK_END)
    if not 0 < size <= max_bytes:
        raise FileRefused(f"A file has between 1 and {max_bytes:,} bytes.")
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return _save_picture(file, folder, max_pixels)
    type_ = _type_of(head, file)
    key = _storage().save(f"{folder}/{uuid4().hex}", File(file))
    return StoredFile(key=key, type=type_, size=size)


def clean_name(name: str, *, type: str, length: int) -> str:
    """The name that someone gave a file, fit to be shown and saved under: no path, no control characters, not empty."""
    last = (
        unicodedata.normalize("NFC", name.encode(errors="ignore").decode())
        .replace("\\", "/")
        .rpartition("/")[2]
    )
    # Characters that turn the direction of writing make `exe.pdf` of `fdp.exe`.
    plain = "".join(sign for sign in last if unicodedata.category(sign) not in ("Cf", "Cc", "Co", "Cn"))
    plain = _UNSAFE.sub("_", plain).strip(" .") or "file"
    if type == _IMAGE:
        plain = f"{plain.rpartition('.')[0] or plain}.webp"
    stem, dot, extension = plain.rpartition(".")
    if len(plain) > length and dot and len(extension) < 16:
        return f"{stem[: length - len(extension) - 1]}.{extension}"
    return plain[:length]


def open_file(key: str) -> IO[bytes]:
    """A stored file, to be read and closed. Raises FileNotFoundError."""
    return _storage().open(key)


def delete(key: str) -> None:
    """Remove a stored file; one that is gone already is no error."""
    _storage().delete(key)


def _storage() -> Storage:
    return storages[ALIAS]


def _save_picture(file: IO[bytes], folder: str, max_pixels: int) -> StoredFile:
    with _decoding:
        try:
            picture = ImageOps.exif_transpose(images.decoded(file, max_pixels))
        except images.ImageRefused as error:
            raise FileRefused(str(error)) from error
        has_alpha = "A" in picture.getbands() or "transparency" in picture.info
        picture = picture.convert("RGBA" if has_alpha else "RGB")
        picture.thumbnail((MAX_SIDE, MAX_SIDE))
        encoded = io.BytesIO()
        picture.save(encoded, "WEBP", quality=85, method=3)
    key = _storage().save(f"{folder}/{uuid4().hex}.webp", ContentFile(encoded.getvalue()))
    return StoredFile(key=key, type=_IMAGE, size=encoded.tell(), width=picture.width, height=picture.height)


def _type_of(head: bytes, file: IO[bytes]) -> str:
    """By content alone. Raises FileRefused for what is not on the list."""
    for sign, type_ in _SIGNS:
        if head.startswith(sign):
            return type_
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head[:1] == b"\xff" and head[1:2] in (b"\xfb", b"\xf3", b"\xf2"):
        return "audio/mpeg"
    if _is_text(file):
        return "text/plain"
    raise FileRefused("This kind of file is not taken: send images, PDF, text, ZIP, audio or video.")


def _is_text(file: IO[bytes]) -> bool:
    """UTF-8 without control characters other than those of lines."""
    try:
        text = file.read().decode()
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return not any(sign < " " and sign not in "\t\n\r\f" for sign in text)
