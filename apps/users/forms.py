"""Forms of the admin site: sign-in, change of the password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth import authenticate

from apps.common.callers import Caller, CallerKind
from apps.common.exceptions import DomainError
from apps.users import exceptions, services
from apps.users.models import User
from apps.users.types import Device


class SignInForm(AdminAuthenticationForm):
    """Address, password, and a code for accounts with a second factor."""

    second_factor = forms.CharField(
        label="Code of your authenticator app, or a recovery code",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """Authenticate. Raises ValidationError."""
        values = self.cleaned_data
        if values.get("username") and values.get("password"):
            self.user_cache: Any = authenticate(
                self.request,
                username=values["username"],
                password=values["password"],
                second_factor=values.get("second_factor", ""),
            )
            if self.user_cache is None:
                raise self.get_invalid_login_error()
            self.confirm_login_allowed(self.user_cache)
        return values

    def confirm_login_allowed(self, user: Any) -> None:
        """Raises ValidationError for an account without access to the site, and says so when a second factor would grant it."""
        if isinstance(user, User) and user.is_active and user.lacks_second_factor:
            raise forms.ValidationError(
                "Your role asks for a second factor. Set one up first (POST /api/private/v1/users/me/second-factor/).",
                code="second_factor_missing",
            )
        super().confirm_login_allowed(user)


class PasswordForm(AdminPasswordChangeForm):
    """Changes the password by the service of the API, with its limits and rules; all sessions end."""

    def __init__(self, *args: Any, device: Device, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.device = device

    def clean_old_password(self) -> str:
        """The service compares it."""
        return str(self.cleaned_data["old_password"])

    def clean(self) -> dict[str, Any]:
        """Change the password. A refusal is an error of the form."""
        self.validate_passwords("new_password1", "new_password2")
        values = self.cleaned_data
        if not self.errors:
            try:
                services.change_password(
                    actor=Caller(kind=CallerKind.USER, user=self.user),
                    current_password=values["old_password"],
                    new_password=values["new_password1"],
                    device=self.device,
                )
            except exceptions.PasswordRefused as error:
                for told in error.errors:
                    self.add_error("new_password1", told.detail)
            except DomainError as error:
                self.add_error("old_password", error.detail)
        return values

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002  (Django's signature)
        """`clean` has saved it."""
        return self.user
