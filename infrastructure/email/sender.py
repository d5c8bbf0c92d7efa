"""Renders a mail and hands it to the mail server of the settings, once; callers retry."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import render_to_string, select_template

if TYPE_CHECKING:
    from django.template.backends.django import Template

_JOINERS: Final = "\u200c\u200d"  # of letters and of emoji


class EmailDeliveryError(Exception):
    """The mail server did not accept the mail; a later attempt may succeed."""


class UnmailableAddress(ValueError):
    """No attempt can succeed: the local part has characters beyond ASCII, which takes SMTPUTF8 (RFC 6531)."""


def send(
    *,
    template: str,
    to: str,
    subject: str,
    context: Mapping[str, Any],
    message_id: str,
    language: str = "en",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send `email/<template>.txt` and `.html` to one address. Both see `subject` in addition to `context`.

    Text templates do not escape, HTML templates do. Templates of another language have it as a suffix (`welcome.de.txt`);
    English ones have none, and replace a missing translation.

    `message_id` is the left part of the Message-ID (RFC 5322, section 3.6.4): the same for each attempt at the same mail, so
    that mail programs and servers can drop duplicates.

    Raises:
        EmailDeliveryError: the server is unavailable or refused.
        UnmailableAddress: see there.
        TemplateDoesNotExist: a template is missing.
    """
    if not to.rpartition("@")[0].isascii():
        raise UnmailableAddress("The address of this account cannot be mailed.")
    subject = one_line(subject)
    values = {**context, "subject": subject}
    message = EmailMultiAlternatives(
        subject=subject,
        body=_text(_names(template, "txt", language), values),
        to=[to],
        # Suppresses automatic replies (RFC 3834).
        headers={
            "Auto-Submitted": "auto-generated",
            "Message-ID": f"<{message_id}@{_domain()}>",
            **(headers or {}),
        },
    )
    message.attach_alternative(render_to_string(_names(template, "html", language), values), "text/html")
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        raise EmailDeliveryError(f"The mail {template!r} was not taken: {type(error).__name__}.") from error


def _domain() -> str:
    """The domain that mails come from."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return domain.encode("idna").decode() or "localhost"


def one_line(text: str) -> str:
    """Replace line ends and invisible characters by blanks, so that a text cannot leave its header."""
    return " ".join("".join(sign if sign.isprintable() or sign in _JOINERS else " " for sign in text).split())


def _text(names: list[str], values: dict[str, Any]) -> str:
    template = cast("Template", select_template(names)).template
    return template.render(Context(values, autoescape=False)).strip() + "\n"


def _names(template: str, kind: str, language: str) -> list[str]:
    own = [] if language == "en" else [f"email/{template}.{language}.{kind}"]
    return [*own, f"email/{template}.{kind}"]
