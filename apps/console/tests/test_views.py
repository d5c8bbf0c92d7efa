"""The pages as served: their policy, their files, and what installed slices bring."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from apps.common import slices

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' ws://testserver; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
DEMO = (("ada@example.com", "admin"), ("grace@example.com", "user"))


class Page(HTMLParser):
    """Collects the files of a page, its attributes, and inline code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.files: list[str] = []
        self.inline: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name.startswith("on") or name == "style":
                self.inline.append(f"{tag}[{name}]")
            if name in ("src", "href") and (value or "").startswith("/static/"):
                self.files.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style") and data.strip():
            self.inline.append(self._open)


@pytest.fixture
def development(settings: Settings, tmp_path: Path) -> Path:
    """Settings of a development server: demo accounts, and mails that are written to a folder."""
    settings.DEMO_LOGINS = DEMO
    settings.DEMO_PASSWORD = 'pass"word <b>'
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    return tmp_path


@pytest.mark.parametrize("path", ["/", "/mails/"])
def test_pages_are_served_under_a_policy_without_inline_code(
    client: Client, development: Path, path: str
) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response["Content-Security-Policy"] == POLICY
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["Cache-Control"] == "no-cache"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies
    page = Page(response.content.decode())
    assert page.inline == []
    assert page.files
    assert [file for file in page.files if finders.find(file.removeprefix("/static/")) is None] == []


def test_policy_names_the_secure_socket_of_the_same_host(client: Client) -> None:
    response = client.get("/", secure=True)
    assert "connect-src 'self' wss://testserver;" in response["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/", "/mails/"])
def test_pages_are_only_read(client: Client, development: Path, method: str, path: str) -> None:
    assert getattr(client, method)(path).status_code == 405


def test_head_has_no_body(client: Client) -> None:
    response = client.head("/")
    assert response.status_code == 200
    assert response.content == b""


def test_modules_style_sheets_and_data_of_slices_are_on_the_page(client: Client, development: Path) -> None:
    text = client.get("/").content.decode()
    brought = list(slices.modules("console"))
    files = [file.removeprefix("/static/") for file in Page(text).files]
    expected = [file for _, module in brought for file in (*module.STYLESHEETS, module.MODULE)]
    assert [file for file in expected if file not in files] == []
    scripts = [file for file in files if file.endswith(".js")]
    assert scripts[-1] == "console/app.js", "slices have to be loaded before the console is started"
    [data] = re.findall(r'<meta name="console-data" content="([^"]*)">', text)
    assert json.loads(html.unescape(data)) == {
        label: module.data() for label, module in brought if hasattr(module, "data")
    }


def test_the_page_needs_no_slice(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "modules", lambda name: iter(()))
    page = Page(client.get("/").content.decode())
    assert [file for file in page.files if not file.startswith("/static/console/")] == []
    assert ("content", "{}") in page.attributes


def test_only_development_servers_link_to_the_mails(
    client: Client, development: Path, settings: Settings
) -> None:
    assert '<a href="/mails/">Mail</a>' in client.get("/").content.decode()
    settings.DEMO_LOGINS = ()
    assert "/mails/" not in client.get("/").content.decode()


def test_mails_are_shown_as_text(client: Client, development: Path) -> None:
    (development / "20260101-120000-1.log").write_text(
        "Subject: <script>alert(1)</script>\nFrom: acme@example.com\nTo: ada@example.com\n"
        f"Date: Thu, 01 Jan 2026 12:00:00 -0000\n\n<img src=x onerror=alert(1)>\n{'-' * 79}\n"
    )
    text = client.get("/mails/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert Page(text).inline == []


def test_an_empty_mailbox_has_a_text(client: Client, development: Path) -> None:
    assert "There is no mail yet." in client.get("/mails/").content.decode()


@pytest.mark.parametrize("change", ["no demo accounts", "mails are sent"])
def test_other_servers_do_not_show_mails(
    client: Client, development: Path, settings: Settings, change: str
) -> None:
    (development / "1.log").write_text("Subject: a link that signs you in\n\nsecret\n")
    if change == "no demo accounts":
        settings.DEMO_LOGINS = ()
    else:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    response = client.get("/mails/")
    assert response.status_code == 404
    assert b"secret" not in response.content
