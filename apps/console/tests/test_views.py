"""The pages as served: their policy, their files, what they show on which server."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

FILES = Path(__file__).resolve().parents[1] / "static" / "console"
# What is written by hand: the client is generated.
MODULES = sorted(set(FILES.rglob("*.js")) - set((FILES / "client").rglob("*.js")))
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' ws://testserver; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
DEMO = (("ada@example.com", "admin"), ("grace@example.com", "user"))


class Page(HTMLParser):
    """What a page refers to, and what of it would be inline code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.files: list[str] = []
        self.inline: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note addresses and inline handlers."""
        self._open = tag
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name.startswith("on") or name == "style":
                self.inline.append(f"{tag}[{name}]")
            if name in ("src", "href") and (value or "").startswith("/static/"):
                self.files.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._open = ""

    def handle_data(self, data: str) -> None:
        """Note inline code."""
        if self._open in ("script", "style") and data.strip():
            self.inline.append(self._open)


@pytest.fixture
def development(settings: Settings, tmp_path: Path) -> Path:
    """A development server: demo accounts, and mails that go to a folder."""
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


def test_demo_accounts_are_offered_in_development_with_their_text_escaped(
    client: Client, development: Path
) -> None:
    text = client.get("/").content.decode()
    page = Page(text)
    assert [value for name, value in page.attributes if name == "data-email"] == [
        "ada@example.com",
        "grace@example.com",
    ]
    assert ("data-password", 'pass"word <b>') in page.attributes
    assert '<a href="/mails/">' in text


def test_other_servers_offer_neither_accounts_nor_mails(client: Client, settings: Settings) -> None:
    settings.DEMO_LOGINS = ()
    settings.DEMO_PASSWORD = "not to be shown"
    text = client.get("/").content.decode()
    assert "demo-accounts" not in text
    assert "not to be shown" not in text
    assert "/mails/" not in text


def test_mails_are_shown_as_text(client: Client, development: Path) -> None:
    (development / "20260101-120000-1.log").write_text(
        "Subject: <script>alert(1)</script>\nFrom: sarsen@example.com\nTo: ada@example.com\n"
        f"Date: Thu, 01 Jan 2026 12:00:00 -0000\n\n<img src=x onerror=alert(1)>\n{'-' * 79}\n"
    )
    text = client.get("/mails/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert Page(text).inline == []


def test_an_empty_mailbox_says_so(client: Client, development: Path) -> None:
    assert "No mail yet." in client.get("/mails/").content.decode()


@pytest.mark.parametrize("change", ["no demo accounts", "mails are sent"])
def test_mails_are_no_page_of_other_servers(
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


def test_there_are_modules_to_look_at() -> None:
    assert {"app.js", "session.js", "conversation.js", "timeline.js"} <= {path.name for path in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(FILES)))
def test_modules_import_files_that_exist_and_write_no_markup(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    for name in re.findall(r"""(?:from|import)\s*\(?["']([^"']+)["']""", text):
        assert name.startswith("."), f"{name} is not a file of the console"
        assert (module.parent / name).is_file(), name
    # Whatever could turn a message into an element or into code.
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc",
        text.replace("sets innerHTML", ""),
    )
    assert not re.search(r"https?://(?!www\.w3\.org/)[a-z]", text), "no other site is asked for anything"
    assert text.count("\n") <= 300


@pytest.mark.parametrize("sheet", sorted(FILES.glob("*.css")), ids=lambda path: path.name)
def test_sheets_are_small_and_ask_no_other_site(sheet: Path) -> None:
    text = sheet.read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text
    assert text.count("\n") <= 300
