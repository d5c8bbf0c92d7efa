"""The address of an account. Zone public: links of mails. Zone private: a change of address."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import exceptions, selectors, services
from apps.users.hashers import HashingBusy
from apps.users.models import EmailChange
from apps.users.serializers import (
    CHECK_MAIL,
    TOKEN_LENGTH,
    AcceptedOutput,
    AddressField,
    OwnerInput,
    ResetInput,
    SecretField,
)
from apps.users.views.device import device_of


class VerifyInput(fields.Input):
    token = SecretField(max_length=TOKEN_LENGTH)


class EmailVerifyView(View, tag="auth"):
    @operation(
        "auth_email_verify",
        "Verify an e-mail address with the token from a mail",
        body=VerifyInput,
        failures=[exceptions.OneTimeTokenRefused],
    )
    def post(self, request: ApiRequest, *, token: str) -> None:
        services.verify_email(token=token)


class EmailResendView(View, tag="auth"):
    @operation(
        "auth_email_resend",
        "Request the verification mail again",
        body=ResetInput,
        answers={202: AcceptedOutput},
        failures=[exceptions.TooManyAttempts],
    )
    def post(self, request: ApiRequest, *, email: str) -> dict[str, str]:
        """The answer is the same whether or not there is anything to verify."""
        services.resend_verification(email=email, device=device_of(request))
        return CHECK_MAIL


class EmailChangeConfirmView(View, tag="auth"):
    class ConfirmedOutput(serializers.Serializer[Any]):
        """The outcome of a confirmation."""

        completed = serializers.BooleanField(help_text="False until the other address has confirmed as well.")

    @operation(
        "auth_email_change_confirm",
        "Confirm a change of address with the token from a mail",
        body=VerifyInput,
        answers=ConfirmedOutput,
        failures=[exceptions.OneTimeTokenRefused, exceptions.EmailTaken],
    )
    def post(self, request: ApiRequest, *, token: str) -> dict[str, bool]:
        """The address changes once both addresses have confirmed."""
        return {"completed": services.confirm_email_change(token=token)}


class EmailChangeOutput(serializers.Serializer[Any]):
    """A pending change of address."""

    email = serializers.EmailField(help_text="The new address.")
    old_confirmed = serializers.SerializerMethodField(help_text="Whether the current address has confirmed.")
    new_confirmed = serializers.SerializerMethodField(help_text="Whether the new address has confirmed.")
    expires_at = serializers.DateTimeField()

    def get_old_confirmed(self, change: EmailChange) -> bool:
        """Whether its link was followed."""
        return change.old_confirmed_at is not None

    def get_new_confirmed(self, change: EmailChange) -> bool:
        """Whether its link was followed."""
        return change.new_confirmed_at is not None


class EmailView(View, tag="account"):
    class AddressOutput(serializers.Serializer[Any]):
        """The address of the account, and a change of it that is pending."""

        email = serializers.EmailField()
        email_verified = serializers.BooleanField()
        change = EmailChangeOutput(allow_null=True)

    class EmailChangeInput(OwnerInput):
        email = AddressField()

    @operation(
        "users_me_email", "Get your address, and a change of it that is pending", answers=AddressOutput
    )
    def get(self, request: ApiRequest) -> dict[str, Any]:
        return self._shown(request)

    @operation(
        "users_me_email_change",
        "Request a change of address",
        body=EmailChangeInput,
        answers={202: AddressOutput},
        failures=[
            exceptions.EmailUnchanged,
            exceptions.InvalidEmail,
            exceptions.WrongPassword,
            exceptions.SignInStale,
            exceptions.TooManyAttempts,
            HashingBusy,
        ],
    )
    def post(self, request: ApiRequest, *, email: str, current_password: str) -> dict[str, Any]:
        """Both addresses get a mail; the address changes once both have confirmed."""
        services.request_email_change(
            actor=request.caller, email=email, current_password=current_password, device=device_of(request)
        )
        return self._shown(request)

    @operation("users_me_email_keep", "Cancel a change of address")
    def delete(self, request: ApiRequest) -> None:
        services.cancel_email_change(actor=request.caller)

    def _shown(self, request: ApiRequest) -> dict[str, Any]:
        user = request.caller.user
        return {
            "email": user.email,
            "email_verified": user.is_verified,
            "change": selectors.find_email_change(user=user),
        }
