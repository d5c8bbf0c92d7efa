"""Static files by WhiteNoise's manifest storage, uploads on local disk or S3 (django-storages), mail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config import env
from config.env import BASE_DIR

DATA_DIR = BASE_DIR / env.text("DATA_DIR")

STATIC_URL = "/static/"
STATIC_ROOT: Path | None = BASE_DIR / "staticfiles"
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
# Whether this process hands out uploads itself; in production nginx or the S3 store does.
SERVE_MEDIA = False


def uploads(folder: str = "") -> dict[str, Any]:
    """A storage: S3 when a bucket is named, else local disk; `folder` is where files are that no URL leads to."""
    bucket = env.text("S3_BUCKET")
    if not bucket:
        local = {"location": DATA_DIR / folder, "base_url": None} if folder else {}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": local}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": env.text("S3_ENDPOINT_URL") or None,
            "region_name": env.text("S3_REGION") or None,
            "access_key": env.text("S3_ACCESS_KEY") or None,
            "secret_key": env.text("S3_SECRET_KEY") or None,
            "file_overwrite": False,
            "querystring_auth": True,
            "location": folder,
        },
    }


# Images that one process decodes at a time, and uploads that may wait for it. Each of both holds one of WEB_THREADS, and
# half of these stay free for everyone else.
IMAGE_DECODERS = 2
IMAGE_QUEUE = max(0, env.number("WEB_THREADS") // 2 - IMAGE_DECODERS)

STORAGES: dict[str, dict[str, Any]] = {
    "default": uploads(),
    # Files of rooms: handed out by the product itself, to members.
    "private": uploads("private"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10
