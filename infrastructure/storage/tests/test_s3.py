"""Uploads on S3: signed, at the address that browsers reach, and with the same failures as on a disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.files.base import ContentFile
from PIL import Image

from infrastructure import storage
from infrastructure.storage import avatars, s3, store
from infrastructure.storage.tests import s3_server


@pytest.fixture
def server(settings: Any) -> Iterator[Any]:
    with s3_server.running() as (stores, moto, origin):
        settings.STORAGES = settings.STORAGES | stores
        yield SimpleNamespace(stop=moto.stop, origin=origin)


def test_pictures_are_signed_for_where_browsers_reach_them(server: Any) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (30, 30), "teal").save(picture, "PNG")
    name = storage.save_avatar(picture, size=16, max_pixels=10_000)
    address = storage.url(name)
    parts, query = urlsplit(address), parse_qs(urlsplit(address).query)
    assert f"{parts.scheme}://{parts.netloc}" == server.origin == storage.origin()
    assert parts.path == f"/{s3_server.BUCKET}/{name}"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Credential"][0].endswith("/us-east-1/s3/aws4_request")
    answer = httpx.get(address)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(answer.content)).size == (16, 16)
    storage.delete(name)
    storage.delete(name)
    assert httpx.get(address).status_code == 404


def test_files_and_parts_of_them_can_be_read(server: Any) -> None:
    stored = storage.files.save(io.BytesIO(b"0123456789"), folder="x", max_bytes=100, max_pixels=1)
    with storage.files.open_file(stored.key) as file:
        file.seek(7)
        assert file.read() == b"789"
    storage.files.delete(stored.key)
    with pytest.raises(FileNotFoundError):
        storage.files.open_file(stored.key)


def test_orphans_are_swept(server: Any) -> None:
    for name in ("kept", "orphan"):
        store.save("private", f"x/{name}", ContentFile(b"x"))
    now = datetime.now(UTC)
    assert storage.files.sweep(folder="x", before=now - timedelta(hours=1), known=["x/kept"]) == 0
    assert storage.files.sweep(folder="x", before=now + timedelta(hours=1), known=["x/kept"]) == 1
    with pytest.raises(FileNotFoundError):
        storage.files.open_file("x/orphan")


def test_a_store_that_is_away_or_refuses_is_one_error(server: Any, settings: Any) -> None:
    lost = s3.options(
        bucket="nowhere", endpoint=server.origin, region="us-east-1", access_key="a", secret_key="b"
    )
    settings.STORAGES = settings.STORAGES | {"private": lost}
    with pytest.raises(storage.StorageUnavailable):
        store.save("private", "x", ContentFile(b"x"))
    server.stop()
    for call in (
        lambda: store.save("private", "x", ContentFile(b"x")),
        lambda: store.open_file("private", "x"),
        lambda: store.delete("private", "x"),
        lambda: store.sweep("private", "x", before=datetime.now(UTC), known=[]),
    ):
        with pytest.raises(storage.StorageUnavailable):
            call()


@pytest.mark.parametrize(
    ("endpoint", "region", "bucket", "origin"),
    [
        ("", "us-east-1", "uploads", "https://uploads.s3.amazonaws.com"),
        ("", "eu-central-1", "uploads", "https://uploads.s3.eu-central-1.amazonaws.com"),
        ("", "eu-central-1", "up.loads", "https://s3.eu-central-1.amazonaws.com"),
        ("https://files.example", "", "uploads", "https://files.example"),
        ("https://files.example:9000/s3", "", "uploads", "https://files.example:9000"),
    ],
)
def test_the_origin_of_pictures_needs_no_credentials(
    settings: Any, monkeypatch: pytest.MonkeyPatch, endpoint: str, region: str, bucket: str, origin: str
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    public = s3.options(bucket=bucket, endpoint=endpoint, region=region, access_key="", secret_key="")
    settings.STORAGES = settings.STORAGES | {"public": public}
    avatars.origin.cache_clear()
    try:
        assert storage.origin() == origin
        signed = s3.options(bucket=bucket, endpoint=endpoint, region=region, access_key="a", secret_key="b")
        settings.STORAGES = settings.STORAGES | {"public": signed}
        assert storage.url("x").startswith(f"{origin}/")
    finally:
        avatars.origin.cache_clear()
