"""Mails from templates."""

from __future__ import annotations

import email
import email.policy
import smtplib
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from infrastructure.email import EmailDeliveryError, UnmailableAddress, send


@pytest.fixture
def templates(tmp_path: Path, settings: Any) -> Path:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False, "DIRS": [tmp_path]}]
    (tmp_path / "email").mkdir()
    (tmp_path / "email/note.txt").write_text("\nDear {{ name }}\n")
    (tmp_path / "email/note.html").write_text("<title>{{ subject }}</title><p>Dear {{ name }}</p>")
    return tmp_path / "email"


def sent(**mail_: Any) -> mail.EmailMultiAlternatives:
    """The sent mail."""
    send(
        **{
            "template": "note",
            "to": "ada@example.com",
            "subject": "A note",
            "message_id": "note.1",
            "context": {},
            **mail_,
        }
    )
    message = mail.outbox[-1]
    assert isinstance(message, mail.EmailMultiAlternatives)
    return message


def test_only_html_is_escaped(templates: Path, settings: Any) -> None:
    name = "Bits & Bytes' <Shop>"
    message = sent(subject=f"Visit {name}", context={"name": name})
    assert (message.subject, message.to) == (f"Visit {name}", ["ada@example.com"])
    assert message.body == f"Dear {name}\n"
    escaped = "Bits &amp; Bytes&#x27; &lt;Shop&gt;"
    assert [tuple(part) for part in message.alternatives] == [
        (f"<title>Visit {escaped}</title><p>Dear {escaped}</p>", "text/html")
    ]
    assert message.message()["Auto-Submitted"] == "auto-generated"
    assert (
        message.message()["Message-ID"]
        == f"<note.1@{settings.DEFAULT_FROM_EMAIL.partition('@')[2].strip('>')}>"
    )


def test_translated_templates_are_used(templates: Path) -> None:
    (templates / "note.de.txt").write_text("Hallo {{ name }}\n")
    message = sent(context={"name": "Ada"}, language="de")
    assert (message.body, str(message.alternatives[0][0])[-15:]) == ("Hallo Ada\n", "<p>Dear Ada</p>")


@pytest.mark.parametrize(
    ("subject", "line"),
    [
        ("Team\r\nBcc: x@example.com\r\n\r\nClick", "Team Bcc: x@example.com Click"),
        ("Team\rx\x0by\x0cz\x85\u2028a\u2029b", "Team x y z a b"),
        ("a\x00b\x1bc\u202ed\ufeffe", "a b c d e"),
        ("  Größe\t東京 👩\u200d💻 ", "Größe 東京 👩\u200d💻"),
    ],
)
def test_a_subject_is_always_one_line(templates: Path, subject: str, line: str) -> None:
    message = sent(subject=subject)
    assert message.subject == line
    parsed = email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)
    assert (parsed["Subject"], parsed["Bcc"]) == (line, None)


def test_an_invalid_address_is_reported(templates: Path) -> None:
    with pytest.raises(UnmailableAddress):
        sent(to="zoë@example.com")
    assert mail.outbox == []


@pytest.mark.parametrize(
    "error", [smtplib.SMTPServerDisconnected("gone"), ConnectionRefusedError(), TimeoutError()]
)
def test_a_server_that_is_away_is_one_error(
    templates: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(self: Any, messages: Any) -> int:
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    with pytest.raises(EmailDeliveryError, match=type(error).__name__):
        sent()
