"""The sign-in form of the admin site."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate

from apps.users.models import User


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
