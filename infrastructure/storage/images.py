"""Images that people upload: judged by their content, decoded within bounds, and stored anew under a random name.

What is stored was written by Pillow from pixels alone: no metadata (where a photo was taken, say), no second file type
hidden behind the image, nothing that a browser could be made to run.
"""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Final
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from infrastructure import lazy_import

if TYPE_CHECKING:
    import PIL
    from PIL import Image, ImageOps
else:
    PIL = lazy_import.module("PIL")
    Image = lazy_import.module("PIL.Image")
    ImageOps = lazy_import.module("PIL.ImageOps")

FORMATS: Final = ("JPEG", "PNG", "WEBP")
FOLDER: Final = "avatars"


class ImageRefused(Exception):
    """The file is no image that is taken; the text says why, and may be shown."""


def save_avatar(file: IO[bytes], *, size: int, max_pixels: int) -> str:
    """Store the middle square of an image, `size` pixels wide at most, as WebP. Returns its name.

    Raises ImageRefused.
    """
    picture = _square(decoded(file, max_pixels), size)
    encoded = io.BytesIO()
    picture.save(encoded, "WEBP", quality=85, method=4)
    return default_storage.save(f"{FOLDER}/{uuid4().hex}.webp", ContentFile(encoded.getvalue()))


def delete(name: str) -> None:
    """Remove a stored file; one that is gone already is no error."""
    default_storage.delete(name)


def url(name: str) -> str:
    """Where a browser gets it; for a private bucket, for a limited time."""
    return default_storage.url(name)


def decoded(file: IO[bytes], max_pixels: int) -> Image.Image:
    """An uploaded image, judged before it is decoded. Raises ImageRefused."""
    try:
        image = Image.open(file, formats=FORMATS)
        if image.width * image.height > max_pixels:
            raise ImageRefused(f"The image has more than {max_pixels:,} pixels.")
        image.load()
    except PIL.UnidentifiedImageError:
        raise ImageRefused("Upload a JPEG, PNG or WebP image.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageRefused(f"The image has more than {max_pixels:,} pixels.") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
        # What Pillow's decoders raise for files that are cut off or made to confuse them.
        raise ImageRefused("The image is damaged.") from None
    return image


def _square(image: Image.Image, size: int) -> Image.Image:
    """Upright as the camera held it, in RGB, cut to a square."""
    upright = ImageOps.exif_transpose(image)
    has_alpha = "A" in upright.getbands() or "transparency" in upright.info
    side = min(size, *upright.size)
    return ImageOps.fit(upright.convert("RGBA" if has_alpha else "RGB"), (side, side))
