"""Uploads in Django's default storage: local disk, or S3 through django-storages."""

from infrastructure.storage.images import ImageRefused, delete, save_avatar, url

__all__ = ["ImageRefused", "delete", "save_avatar", "url"]
