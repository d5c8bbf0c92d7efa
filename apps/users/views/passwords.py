"""Zone private: change the caller's password. Zone public: set a new one by a link in a mail."""

from __future__ import annotations

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import exceptions, services
from apps.users.hashers import HashingBusy
from apps.users.serializers import CHECK_MAIL, TOKEN_LENGTH, AcceptedOutput, ResetInput, SecretField
from apps.users.services.password_rules import MAX_TYPED
from apps.users.views.device import device_of


class PasswordView(View, tag="account"):
    class PasswordChangeInput(fields.Input):
        current_password = SecretField(max_length=MAX_TYPED)
        new_password = SecretField(help_text="12 to 128 characters.")

    @operation(
        "users_me_password",
        "Change your password",
        body=PasswordChangeInput,
        failures=[
            exceptions.WrongPassword,
            exceptions.PasswordRefused,
            exceptions.TooManyAttempts,
            HashingBusy,
        ],
    )
    def post(self, request: ApiRequest, *, current_password: str, new_password: str) -> None:
        """All sessions end, including the current one: sign in with the new password."""
        services.change_password(
            actor=request.caller,
            current_password=current_password,
            new_password=new_password,
            device=device_of(request),
        )


class PasswordResetView(View, tag="auth"):
    @operation(
        "auth_password_reset",
        "Request a link to set a new password",
        body=ResetInput,
        answers={202: AcceptedOutput},
        failures=[exceptions.TooManyAttempts],
    )
    def post(self, request: ApiRequest, *, email: str) -> dict[str, str]:
        """The answer is the same whether or not the address has an account."""
        services.request_password_reset(email=email, device=device_of(request))
        return CHECK_MAIL


class PasswordResetConfirmView(View, tag="auth"):
    class ResetConfirmInput(fields.Input):
        token = SecretField(max_length=TOKEN_LENGTH)
        password = SecretField(help_text="12 to 128 characters.")

    @operation(
        "auth_password_reset_confirm",
        "Set a new password with the token from a mail",
        body=ResetConfirmInput,
        failures=[exceptions.OneTimeTokenRefused, exceptions.PasswordRefused, HashingBusy],
    )
    def post(self, request: ApiRequest, *, token: str, password: str) -> None:
        """All sessions of the account end."""
        services.confirm_password_reset(token=token, password=password)
