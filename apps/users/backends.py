"""Sign-in to Django's admin site: the same check and the same limits as the API's, for admins only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.common.addresses import client_address
from apps.common.exceptions import TooManyRequests, Unavailable
from apps.users import exceptions, services
from apps.users.models import User
from apps.users.types import Device


class PasswordBackend(BaseBackend):
    """Django's `authenticate(username=…, password=…)` by the service that the API uses."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The account, or None for wrong credentials.

        Raises ValidationError, which the sign-in form shows, when a limit is used up or the server is too busy.
        """
        email = username if username is not None else kwargs.get("email")
        if not isinstance(email, str) or not isinstance(password, str):
            return None
        address = client_address(request) if request is not None else ""
        try:
            return services.check_credentials(email=email, password=password, device=Device(address=address))
        except exceptions.InvalidCredentials:
            return None
        except (TooManyRequests, Unavailable) as error:
            raise ValidationError(error.detail, code=error.code) from error

    def get_user(self, user_id: UUID) -> User | None:
        """The account of a cookie session, for as long as it is active."""
        return User.objects.defer("phone").filter(pk=user_id, is_active=True).first()
