"""Mails that Django's file backend wrote, as the mail page reads them."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.mail import EmailMultiAlternatives, get_connection

from apps.console import mailbox


def send(folder: Path, *subjects: str) -> None:
    """Send mails by the real backend. One connection writes one file."""
    connection = get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=folder)
    messages = []
    for subject in subjects:
        message = EmailMultiAlternatives(
            subject, f"Text of {subject}: ü", "Acme <a@example.com>", ["b@example.com"]
        )
        message.attach_alternative(f"<p>{subject}</p>", "text/html")
        messages.append(message)
    connection.send_messages(messages)


def test_a_mail_is_read_as_it_was_sent(tmp_path: Path) -> None:
    send(tmp_path, "Willkommen, Zoë")
    [mail] = mailbox.list_mails(tmp_path)
    assert mail.subject == "Willkommen, Zoë"
    assert mail.sender == "Acme <a@example.com>"
    assert mail.recipient == "b@example.com"
    assert mail.date
    assert mail.text.strip() == "Text of Willkommen, Zoë: ü"


def test_the_newest_are_first_within_and_across_files(tmp_path: Path) -> None:
    send(tmp_path, "one", "two")
    [first] = tmp_path.glob("*.log")
    os.utime(first, (1, 1))
    send(tmp_path, "three")
    assert [mail.subject for mail in mailbox.list_mails(tmp_path)] == ["three", "two", "one"]
    assert [mail.subject for mail in mailbox.list_mails(tmp_path, limit=2)] == ["three", "two"]


def test_a_missing_folder_has_no_mails(tmp_path: Path) -> None:
    assert mailbox.list_mails(tmp_path / "missing") == []


def test_a_mail_without_headers_or_text_is_listed(tmp_path: Path) -> None:
    (tmp_path / "1.log").write_bytes(b"Content-Type: text/html\n\n<p>only markup</p>\n")
    [mail] = mailbox.list_mails(tmp_path)
    assert mail == mailbox.Mail(subject="(no subject)", sender="", recipient="", date="", text="")


def test_other_files_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Subject: not a mail\n\n")
    assert mailbox.list_mails(tmp_path) == []
