"""Files that a process serves itself in development: uploads."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings


@pytest.fixture
def uploads(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "media").mkdir()
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "media" / "page.html").write_text("<script>alert(1)</script>", encoding="utf-8")
    return tmp_path


def test_upload_is_shown_and_never_run(uploads: Path) -> None:
    answer = Client().get("/media/page.html")
    assert (answer.status_code, answer.getvalue()) == (200, b"<script>alert(1)</script>")
    assert answer.headers["Content-Security-Policy"].endswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("../secret.txt", 400),
        ("..%2fsecret.txt", 400),
        ("%2e%2e/secret.txt", 400),
        ("nothing.png", 404),
        ("", 404),
    ],
)
def test_nothing_outside_of_the_uploads_is_shown(uploads: Path, path: str, status: int) -> None:
    assert Client().get(f"/media/{path}").status_code == status


def test_uploads_are_not_written_over_http(uploads: Path) -> None:
    assert Client().post("/media/page.html").status_code == 405


def test_parts_of_uploads_are_handed_out(uploads: Path) -> None:
    (uploads / "media" / "ten.bin").write_bytes(b"0123456789")
    client = Client()
    whole = client.get("/media/ten.bin")
    assert (whole.getvalue(), whole["Accept-Ranges"], whole["Content-Length"]) == (
        b"0123456789",
        "bytes",
        "10",
    )
    part = client.get("/media/ten.bin", headers={"Range": "bytes=2-4", "If-Range": whole["Last-Modified"]})
    assert (part.status_code, part.getvalue(), part["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert part["Content-Security-Policy"].endswith("sandbox")
    beyond = client.get("/media/ten.bin", headers={"Range": "bytes=10-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, "bytes */10")
    known = client.get("/media/ten.bin", headers={"If-Modified-Since": whole["Last-Modified"]})
    assert (known.status_code, known.content) == (304, b"")
