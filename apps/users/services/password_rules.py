"""Rules for new passwords: 12 to 128 characters of the canonical form (`hashers.opaque`), and the validators of the settings."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.common.exceptions import FieldError
from apps.users import exceptions
from apps.users.hashers import opaque
from apps.users.models import User

MAX_LENGTH: Final = 128
# As typed: each character may come in up to four pieces.
MAX_TYPED: Final = 4 * MAX_LENGTH


def check_new_password(password: str, *, user: User, field: str = "password") -> None:
    """Raises PasswordRefused with every broken rule, as faults of `field`."""
    password = opaque(password)
    errors = []
    if len(password) > MAX_LENGTH:
        detail = f"This password is too long. It may have {MAX_LENGTH} characters."
        errors.append(FieldError(field=field, code="password_too_long", detail=detail))
    else:
        try:
            validate_password(password, user=user)
        except ValidationError as error:
            errors = [
                FieldError(field=field, code=fault.code or "invalid", detail=" ".join(fault.messages))
                for fault in error.error_list
            ]
    if errors:
        raise exceptions.PasswordRefused(errors=errors)
