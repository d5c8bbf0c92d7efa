"""Pictures of accounts, in the default storage: anyone who knows the address of one may see it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import IO, Final
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from infrastructure.storage import images, store

STORE: Final = "default"
FOLDER: Final = "avatars"


def save_avatar(file: IO[bytes], *, size: int, max_pixels: int) -> str:
    """Store the middle square of an image, `size` pixels wide at most. Returns its name.

    Raises ImageRefused, StorageUnavailable.
    """
    picture = images.converted(file, side=size, max_pixels=max_pixels, is_square=True)
    return store.save(STORE, f"{FOLDER}/{uuid4().hex}.webp", ContentFile(picture.content))


def delete(name: str) -> None:
    """Remove a stored picture; one that is gone already is no error. Raises StorageUnavailable."""
    store.delete(STORE, name)


def url(name: str) -> str:
    """Where a browser gets it; for a private bucket, for a limited time."""
    return default_storage.url(name)


def sweep(*, before: datetime, known: Iterable[str]) -> int:
    """Delete older pictures that are not among `known`. Returns their number. Raises StorageUnavailable."""
    return store.sweep(STORE, FOLDER, before=before, known=known)
