"""Pages outside the zones."""

from __future__ import annotations

from django.contrib.staticfiles import finders
from django.test import Client


def test_the_favicon_is_redirected_to_the_static_file(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/common/favicon.ico")
    assert answer["Cache-Control"] == "public, max-age=86400"
    assert finders.find("common/favicon.ico")


def test_the_favicon_is_read_only(client: Client) -> None:
    assert client.post("/favicon.ico").status_code == 405
