"""Pictures of accounts, in the default storage: public to anyone who has the address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import IO, Final
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

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
    """Remove a stored picture; a missing one is no error. Raises StorageUnavailable."""
    store.delete(STORE, name)


def url(name: str) -> str:
    """The address for browsers; for a private bucket, valid for a limited time."""
    return storages["public"].url(name)


@cache
def origin() -> str:
    """The origin of `url`, which a page's policy has to name; empty for the site's own."""
    public = settings.STORAGES["public"]
    if "bucket_name" not in public["OPTIONS"]:
        return ""
    unsigned = storages.create_storage(
        {**public, "OPTIONS": {**public["OPTIONS"], "querystring_auth": False}}
    )
    parts = urlsplit(unsigned.url("x"))
    return f"{parts.scheme}://{parts.netloc}"


def sweep(*, before: datetime, known: Iterable[str]) -> int:
    """Delete older pictures that are not among `known`. Returns their number. Raises StorageUnavailable."""
    return store.sweep(STORE, FOLDER, before=before, known=known)
