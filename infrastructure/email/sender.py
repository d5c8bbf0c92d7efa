"""Renders a mail and hands it to the mail server of the settings. Tries once; whoever calls tries again."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string


class EmailDeliveryError(Exception):
    """The mail server did not take the mail; a later attempt may succeed."""


def send(
    *,
    template: str,
    to: str,
    context: Mapping[str, Any],
    language: str = "en",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send `email/<template>.txt` and `.html` to one address.

    The first line of the text template is `Subject: …`, followed by an empty line. Templates of another language have
    it as a suffix (`welcome.de.txt`); English ones have none, and stand in where a translation is missing.

    Raises:
        EmailDeliveryError: the server is away or refused.
        TemplateDoesNotExist, ValueError: the template is missing, or has no subject.
    """
    subject, body = _subject_and_body(template, context, language)
    message = EmailMultiAlternatives(
        subject=subject,
        body=body,
        to=[to],
        # Keeps out-of-office notes and the like from answering (RFC 3834).
        headers={"Auto-Submitted": "auto-generated", **(headers or {})},
    )
    message.attach_alternative(
        render_to_string(_names(template, "html", language), dict(context)), "text/html"
    )
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        raise EmailDeliveryError(f"The mail {template!r} was not taken: {type(error).__name__}.") from error


def _subject_and_body(template: str, context: Mapping[str, Any], language: str) -> tuple[str, str]:
    text = render_to_string(_names(template, "txt", language), dict(context))
    first, _, body = text.partition("\n")
    label, _, subject = first.partition(":")
    if label != "Subject" or not subject.strip():
        raise ValueError(f"The first line of the text of the mail {template!r} is not its subject.")
    return subject.strip(), body.strip() + "\n"


def _names(template: str, kind: str, language: str) -> list[str]:
    own = [] if language == "en" else [f"email/{template}.{language}.{kind}"]
    return [*own, f"email/{template}.{kind}"]
