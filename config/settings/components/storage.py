"""Static files by WhiteNoise's manifest storage, uploads on local disk or S3 (django-storages)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.settings.components.server import WEB_THREADS
from infrastructure import environment
from infrastructure.environment import values
from infrastructure.storage import s3

VARIABLES = environment.Variables("Storage")

DATA_DIR = environment.ROOT / VARIABLES.text(
    "DATA_DIR", ".data", "Mails of development and uploads without S3", parse=values.folder
)
STATIC_URL = "/static/"
STATIC_ROOT: Path | None = environment.ROOT / "staticfiles"
# The console's modules and style sheets of each slice, at `/static/<slice>/console/`.
STATICFILES_DIRS = [
    (f"{folder.parents[1].name}/console", folder)
    for folder in sorted(environment.ROOT.glob("apps/*/console/static"))
]
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
# Whether this process serves uploads; in production nginx or the S3 store does.
SERVE_MEDIA = False

_BUCKET = VARIABLES.text(
    "S3_BUCKET",
    "",
    "Bucket for uploads; empty: local disk",
    parse=values.matching(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket: a-z, 0-9, dots and dashes"
    ),
)
_ENDPOINT = VARIABLES.text(
    "S3_ENDPOINT_URL",
    "",
    "Endpoint of an S3-compatible store; empty: AWS",
    parse=values.endpoint,
    kind="URL",
)
_PUBLIC_ENDPOINT = VARIABLES.text(
    "S3_PUBLIC_ENDPOINT_URL",
    "",
    "Endpoint in the addresses of pictures that browsers get, where it is another one; empty: `S3_ENDPOINT_URL`",
    parse=values.endpoint,
    kind="URL",
)
_REGION = VARIABLES.text(
    "S3_REGION",
    "",
    "Region of the bucket",
    parse=values.matching(r"[a-z0-9-]{1,64}", "a region such as eu-central-1"),
)
_ACCESS_KEY = VARIABLES.text("S3_ACCESS_KEY", "", "Access key; empty: the machine's role", secret=True)
_SECRET_KEY = VARIABLES.text("S3_SECRET_KEY", "", "Secret of the access key", secret=True)
if bool(_ACCESS_KEY) is not bool(_SECRET_KEY):
    missing, given = ("S3_SECRET_KEY", "S3_ACCESS_KEY") if _ACCESS_KEY else ("S3_ACCESS_KEY", "S3_SECRET_KEY")
    VARIABLES.fault(missing, f"is not set, and {given} is: set both, or neither to use the machine's role")
if (_ENDPOINT or _PUBLIC_ENDPOINT or _REGION or _ACCESS_KEY or _SECRET_KEY) and not _BUCKET:
    VARIABLES.fault(
        "S3_BUCKET", "is not set, and another S3 variable is: name the bucket, or empty the others"
    )


def uploads(folder: str = "", *, endpoint: str = _ENDPOINT) -> dict[str, Any]:
    """A storage: S3 when a bucket is named, else local disk; `folder` holds files without a public URL."""
    if not _BUCKET:
        local = {"location": DATA_DIR / folder, "base_url": None} if folder else {}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": local}
    return s3.options(
        bucket=_BUCKET,
        endpoint=endpoint,
        region=_REGION,
        access_key=_ACCESS_KEY,
        secret_key=_SECRET_KEY,
        folder=folder,
    )


# Images that one process decodes at a time, and uploads that may wait for it. Each of both holds one of WEB_THREADS, and
# half of these stay free for everyone else.
IMAGE_DECODERS = 2
IMAGE_QUEUE = max(0, WEB_THREADS // 2 - IMAGE_DECODERS)

STORAGES: dict[str, dict[str, Any]] = {
    "default": uploads(),
    # The same, with the addresses for browsers.
    "public": uploads(endpoint=_PUBLIC_ENDPOINT or _ENDPOINT),
    # Files that the product serves itself, after a check of permissions.
    "private": uploads("private"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
