"""Mails from templates."""

from __future__ import annotations

import smtplib
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from infrastructure.email import EmailDeliveryError, send


@pytest.fixture
def templates(tmp_path: Path, settings: Any) -> Path:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False, "DIRS": [tmp_path]}]
    (tmp_path / "email").mkdir()
    (tmp_path / "email/note.txt").write_text(
        "Subject: A note\n{% autoescape off %}\nDear {{ name }}\n{% endautoescape %}\n"
    )
    (tmp_path / "email/note.html").write_text("<p>Dear {{ name }}</p>")
    return tmp_path / "email"


def test_text_and_html(templates: Path) -> None:
    send(template="note", to="ada@example.com", context={"name": "A & <b>"})
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert (message.subject, message.to, message.body) == ("A note", ["ada@example.com"], "Dear A & <b>\n")
    assert [tuple(part) for part in message.alternatives] == [("<p>Dear A &amp; &lt;b&gt;</p>", "text/html")]
    assert message.message()["Auto-Submitted"] == "auto-generated"


def test_a_language_is_used_where_there_is_a_translation(templates: Path) -> None:
    (templates / "note.de.txt").write_text("Subject: Eine Notiz\n\nHallo {{ name }}\n")
    send(template="note", to="ada@example.com", context={"name": "Ada"}, language="de")
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert (message.subject, message.alternatives[0][0]) == ("Eine Notiz", "<p>Dear Ada</p>")


@pytest.mark.parametrize("first", ["", "Dear all", "Subject:  "])
def test_a_template_without_a_subject_is_a_mistake(templates: Path, first: str) -> None:
    (templates / "note.txt").write_text(f"{first}\n\nText")
    with pytest.raises(ValueError, match="subject"):
        send(template="note", to="ada@example.com", context={})


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
        send(template="note", to="ada@example.com", context={"name": "Ada"})
