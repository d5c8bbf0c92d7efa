"""Pictures that confuse decoders: odd metadata, odd modes, more than one frame, cut off, or far larger than they look."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image

_ORIENTATION: Final = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
# Invalid entries of a directory: StripOffsets as text, counts beyond the end, types that there are not.
_ODD: Final = (
    struct.pack("<HHI4s", 0x0111, 2, 4, b"odd\0"),
    struct.pack("<HHI4s", 0x010F, 2, 2**31, b"\xff\xff\xff\x7f"),
    struct.pack("<HHI4s", 0x9999, 99, 2**32 - 1, b"\xff\xff\xff\xff"),
    struct.pack("<HHI4s", 0x8769, 4, 1, b"\x08\0\0\0"),  # a directory that contains itself
    struct.pack("<HHI4s", 0x011A, 5, 1, b"\0\0\0\0"),
)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pictures() -> Iterator[tuple[str, bytes]]:
    """Each with its name, the same ones each time."""
    plain = Image.new("RGB", (32, 16), "teal")
    for kind in ("JPEG", "PNG", "WEBP"):
        for number, odd in enumerate(_ODD):
            for entries in ((odd, _ORIENTATION), (_ORIENTATION, odd)):
                exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + b"".join(entries)
                yield f"{kind} with odd tag {number}", _saved(plain, kind, exif=exif)
        yield f"{kind} with a broken profile", _saved(plain, kind, icc_profile=b"\0" * 200)
    for mode in ("1", "L", "LA", "P", "I;16", "RGBA"):
        yield f"PNG of mode {mode}", _saved(Image.new(mode, (16, 16)), "PNG")
    yield "JPEG of mode CMYK", _saved(Image.new("CMYK", (16, 16)), "JPEG")
    for kind in ("GIF", "PNG", "WEBP", "MPO"):
        others = [Image.new("RGB", (32, 16), colour) for colour in ("red", "blue")]
        yield f"{kind} of three frames", _saved(plain, kind, save_all=True, append_images=others)
    yield "GIF without a frame", b"GIF89a\x10\0\x10\0\0\0\0;"
    yield "23 megapixels in few bytes", _saved(Image.new("1", (5800, 4000)), "PNG", optimize=True)
    chance = random.Random(1)
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        whole = _saved(plain, kind)
        yield f"half a {kind}", whole[: len(whole) // 2]
        for number in range(8):
            broken = bytearray(whole)
            for _ in range(4):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            yield f"{kind} with wrong bytes, {number}", bytes(broken)


# Names of files, as in the header of their part.
NAMES: Final = (
    "ㅤ.png".encode(),
    "\u2800".encode(),
    "\u202egnp.exe".encode(),
    "a\u2028b.png".encode(),
    "\u0301.png".encode(),
    "\U000e0041.png".encode(),
    "é".encode() * 300 + b".png",
    b"....",
    b"con.png",
)
