"""Uploads: public pictures in the default storage, private files of members in another; local disk, or S3."""

from infrastructure.storage import files
from infrastructure.storage.avatars import delete, origin, save_avatar, sweep, url
from infrastructure.storage.images import ImageRefused
from infrastructure.storage.store import StorageUnavailable

__all__ = ["ImageRefused", "StorageUnavailable", "delete", "files", "origin", "save_avatar", "sweep", "url"]
