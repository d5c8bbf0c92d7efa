"""An S3 server of a test's own (moto's), and the stores that lead to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from moto.server import ThreadedMotoServer

from infrastructure.storage import avatars, s3

BUCKET: Final = "uploads"
_KEYS: Final = {"region": "us-east-1", "access_key": "testing", "secret_key": "testing"}


@contextmanager
def running() -> Iterator[tuple[dict[str, Any], ThreadedMotoServer, str]]:
    """Entries for STORAGES, the server, and the origin that browsers are sent to, which is not the product's endpoint."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        inside, outside = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        boto3.client(
            "s3",
            endpoint_url=inside,
            region_name=_KEYS["region"],
            aws_access_key_id=_KEYS["access_key"],
            aws_secret_access_key=_KEYS["secret_key"],
        ).create_bucket(Bucket=BUCKET)
        stores = {
            "default": s3.options(bucket=BUCKET, endpoint=inside, **_KEYS),
            "public": s3.options(bucket=BUCKET, endpoint=outside, **_KEYS),
            "private": s3.options(bucket=BUCKET, endpoint=inside, folder="private", **_KEYS),
        }
        avatars.origin.cache_clear()
        yield stores, server, outside
    finally:
        avatars.origin.cache_clear()
        server.stop()
