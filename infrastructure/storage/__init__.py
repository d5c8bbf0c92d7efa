"""Uploads: pictures for everyone in the default storage, files of members in a private one; local disk, or S3."""

from infrastructure.storage import files
from infrastructure.storage.images import ImageRefused, delete, save_avatar, url

__all__ = ["ImageRefused", "delete", "files", "save_avatar", "url"]
