"""Uploads: pictures for everyone in the default storage, files of members in a private one; local disk, or S3."""

from infrastructure.storage import files
from infrastructure.storage.avatars import delete, origin, save_avatar, sweep, url
from infrastructure.storage.images import ImageRefused
from infrastructure.storage.store import StorageUnavailable

__all__ = ["ImageRefused", "StorageUnavailable", "delete", "files", "origin", "save_avatar", "sweep", "url"]
