"""Sign-in to Django's admin site: the same checks and limits as the API's, for admins only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.common.exceptions import SecondFactorRequired, TooManyRequests, Unavailable
from apps.common.http.client_address import client_address
from apps.users import exceptions, limits, services
from apps.users.models import User
from apps.users.types import Device


class PasswordBackend(BaseBackend):
    """Implements Django's `authenticate(username=…, password=…)` by the API's service."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        second_factor: str = "",
        **kwargs: Any,
    ) -> User | None:
        """The account, or None for wrong credentials.

        Where an account has a second factor, `second_factor` has to be a valid code of it.

        Raises ValidationError for the sign-in form: a code is required or wrong (`second_factor_required`, `wrong_code`), a limit
        is exceeded, or the server is too busy.
        """
        email = username if username is not None else kwargs.get("email")
        if not isinstance(email, str) or not isinstance(password, str):
            return None
        device = Device(address=client_address(request) if request is not None else "")
        try:
            if request is not None:
                limits.count_attempt("site", address=device.address)
            user = services.check_credentials(email=email, password=password, device=device)
            if user.second_factor_at is not None:
                if not second_factor:
                    raise ValidationError(
                        "Enter a code of your authenticator app.", code=SecondFactorRequired.code
                    )
                services.check_second_factor(user=user, code=second_factor, device=device)
        except exceptions.InvalidCredentials:
            return None
        except (TooManyRequests, Unavailable) as error:
            status = 429 if isinstance(error, TooManyRequests) else 503
            told = {"status": status, "retry_after": error.retry_after}
            raise ValidationError(error.detail, code=error.code, params=told) from error
        except exceptions.WrongCode as error:
            raise ValidationError(error.detail, code=error.code) from error
        return user

    def get_user(self, user_id: UUID) -> User | None:
        """The account of a cookie session while it is active."""
        return User.objects.with_permissions().defer("phone").filter(pk=user_id, is_active=True).first()
