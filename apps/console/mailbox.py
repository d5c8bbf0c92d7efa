"""Reads the mails that Django's file backend has written on a development server."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

# Django's console and file backends end every message with this line.
_END = b"\n" + b"-" * 79 + b"\n"
_LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The headers of a mail that are shown, and its text part."""

    subject: str
    sender: str
    recipient: str
    date: str
    text: str


def list_mails(folder: Path, *, limit: int = 20) -> list[Mail]:
    """The last mails in the folder, the newest first."""
    found: list[Mail] = []
    for raw in _newest(folder):
        found.append(_mail(raw))
        if len(found) == limit:
            break
    return found


def _newest(folder: Path) -> Iterator[bytes]:
    files = (
        [(path.stat().st_mtime_ns, path.name, path) for path in folder.glob("*.log")]
        if folder.is_dir()
        else []
    )
    for _, _, path in sorted(files, reverse=True):
        with path.open("rb") as file:
            messages = file.read(_LARGEST).split(_END)
        yield from (message for message in reversed(messages) if message.strip())


def _mail(raw: bytes) -> Mail:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return Mail(
        subject=message.get("Subject", "(no subject)"),
        sender=message.get("From", ""),
        recipient=message.get("To", ""),
        date=message.get("Date", ""),
        text=_text(message),
    )


def _text(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain",))
    return "" if part is None else str(part.get_content())
