"""Private files: recognised by their content, accepted by a short list, stored without a public URL.

Images are encoded anew from their pixels (see `images`). Everything else is stored unchanged and is only served as a
download, with a type of this list, so that browsers do not run its content.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final
from uuid import uuid4

from django.core.files.base import ContentFile, File

from infrastructure.storage import images, store

STORE: Final = "private"
MAX_SIDE: Final = 2560
# Magic numbers. Office documents are archives; text has no magic number.
_SIGNS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "application/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
# Images in the container of MP4 (ISO/IEC 23008-12), by their major brand: AVIF and HEIF, as telephones take them.
_OTHER_PICTURES: Final = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
)
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


class FileRefused(Exception):
    """The file is not accepted. The text says why, and may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A stored file: `key` in the storage; `size` in bytes; `width` and `height` of images in pixels."""

    key: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None


def save(file: IO[bytes], *, folder: str, max_bytes: int, max_pixels: int) -> StoredFile:
    """Store a file under a random name. Raises FileRefused, StorageUnavailable."""
    size = file.seek(0, io.SEEK_END)
    if not 0 < size <= max_bytes:
        raise FileRefused(f"A file has between 1 and {max_bytes:,} bytes.")
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return _save_picture(file, folder, max_pixels)
    type_ = _type_of(head, file)
    key = store.save(STORE, f"{folder}/{uuid4().hex}", File(file))
    return StoredFile(key=key, type=type_, size=size)


def _save_picture(file: IO[bytes], folder: str, max_pixels: int) -> StoredFile:
    try:
        picture = images.converted(file, side=MAX_SIDE, max_pixels=max_pixels)
    except images.ImageRefused as error:
        raise FileRefused(str(error)) from error
    key = store.save(STORE, f"{folder}/{uuid4().hex}.webp", ContentFile(picture.content))
    return StoredFile(
        key=key, type=images.TYPE, size=len(picture.content), width=picture.width, height=picture.height
    )


def clean_name(name: str, *, type: str, length: int) -> str:
    """A file name that is safe to show and to save under: no path, no control characters, not empty."""
    last = (
        unicodedata.normalize("NFC", name.encode(errors="ignore").decode())
        .replace("\\", "/")
        .rpartition("/")[2]
    )
    # Characters that turn the direction of writing make `exe.pdf` of `fdp.exe`.
    plain = "".join(sign for sign in last if unicodedata.category(sign) not in ("Cf", "Cc", "Co", "Cn"))
    plain = _UNSAFE.sub("_", plain).strip(" .") or "file"
    if type == images.TYPE:
        plain = f"{plain.rpartition('.')[0] or plain}.webp"
    stem, dot, extension = plain.rpartition(".")
    if len(plain) > length and dot and len(extension) < 16:
        return f"{stem[: length - len(extension) - 1]}.{extension}"
    return plain[:length]


def open_file(key: str) -> IO[bytes]:
    """A stored file for reading; callers close it. Raises FileNotFoundError, StorageUnavailable."""
    return store.open_file(STORE, key)


def delete(key: str) -> None:
    """Remove a stored file; a missing one is no error. Raises StorageUnavailable."""
    store.delete(STORE, key)


def sweep(*, folder: str, before: datetime, known: Iterable[str]) -> int:
    """Delete older files that are not among `known`. Returns their number. Raises StorageUnavailable."""
    return store.sweep(STORE, folder, before=before, known=known)


def _type_of(head: bytes, file: IO[bytes]) -> str:
    """The type, by content alone. Raises FileRefused for a type that is not on the list."""
    for sign, type_ in _SIGNS:
        if head.startswith(sign):
            return type_
    if head[4:8] == b"ftyp":
        if head[8:12] in _OTHER_PICTURES:
            raise FileRefused("AVIF and HEIF images are not taken: send JPEG, PNG, WebP or GIF.")
        return "video/mp4"
    if head[:1] == b"\xff" and head[1:2] in (b"\xfb", b"\xf3", b"\xf2"):
        return "audio/mpeg"
    if _is_text(file):
        return "text/plain"
    raise FileRefused("This kind of file is not taken: send images, PDF, text, ZIP, audio or video.")


def _is_text(file: IO[bytes]) -> bool:
    """UTF-8 without control characters other than line ends and tabs."""
    try:
        text = file.read().decode()
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return not any(sign < " " and sign not in "\t\n\r\f" for sign in text)
