"""Zone private: the caller's second factor. Zone admin: removing that of an account."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import exceptions, selectors, services
from apps.users.hashers import HashingBusy
from apps.users.serializers import CODE_LENGTH, OwnerInput, SecretField
from apps.users.types import Enrolment, SecondFactorState
from apps.users.views.device import device_of

_OWNER: Final = (exceptions.WrongPassword, exceptions.SignInStale, exceptions.TooManyAttempts, HashingBusy)


class OwnerCodeInput(OwnerInput):
    """Requires both factors again."""

    code = SecretField(max_length=CODE_LENGTH, help_text="Of the authenticator app, or a recovery code.")


class RecoveryCodesOutput(serializers.Serializer[Any]):
    """Shown once. Each code works once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class SecondFactorView(View, tag="second factor"):
    class SecondFactorOutput(serializers.Serializer[Any]):
        """Whether signing in requires a second factor."""

        is_enabled = serializers.BooleanField()
        enabled_at = serializers.DateTimeField(allow_null=True)
        recovery_codes_left = serializers.IntegerField()

    class EnrolmentOutput(serializers.Serializer[Any]):
        """The data to set up an authenticator app with."""

        secret = serializers.CharField(help_text="Base32, for typing.")
        uri = serializers.CharField(help_text="`otpauth://…`, a link that opens an app on the same device.")
        qr_code = serializers.CharField(
            help_text="An SVG document: the QR code of `uri`, for an app on another device."
        )

    @operation("users_me_second_factor", "Get the state of your second factor", answers=SecondFactorOutput)
    def get(self, request: ApiRequest) -> SecondFactorState:
        return selectors.get_second_factor_state(user=request.caller.user)

    @operation(
        "users_me_second_factor_begin",
        "Start setting up an authenticator app",
        body=OwnerInput,
        answers={201: EnrolmentOutput},
        failures=[exceptions.SecondFactorEnabled, *_OWNER],
    )
    def post(self, request: ApiRequest, *, current_password: str) -> Enrolment:
        """Sign-in asks for no code until one has been confirmed."""
        return services.begin_second_factor(
            actor=request.caller, current_password=current_password, device=device_of(request)
        )


class ConfirmView(View, tag="second factor"):
    class CodeInput(fields.Input):
        code = SecretField(max_length=CODE_LENGTH, help_text="Of the authenticator app.")

    @operation(
        "users_me_second_factor_confirm",
        "Enable the second factor with a code of the app",
        body=CodeInput,
        answers=RecoveryCodesOutput,
        failures=[
            exceptions.SecondFactorMissing,
            exceptions.SecondFactorEnabled,
            exceptions.WrongCode,
            exceptions.TooManyAttempts,
        ],
    )
    def post(self, request: ApiRequest, *, code: str) -> dict[str, list[str]]:
        """All other sessions end. The recovery codes are shown only here."""
        codes = services.confirm_second_factor(actor=request.caller, code=code, device=device_of(request))
        return {"recovery_codes": codes}


class DisableView(View, tag="second factor"):
    @operation(
        "users_me_second_factor_disable",
        "Disable the second factor",
        body=OwnerCodeInput,
        failures=[exceptions.SecondFactorMissing, exceptions.WrongCode, *_OWNER],
    )
    def post(self, request: ApiRequest, *, current_password: str, code: str) -> None:
        """All other sessions end."""
        services.disable_second_factor(
            actor=request.caller, current_password=current_password, code=code, device=device_of(request)
        )


class RecoveryCodesView(View, tag="second factor"):
    @operation(
        "users_me_recovery_codes_renew",
        "Replace the recovery codes",
        body=OwnerCodeInput,
        answers=RecoveryCodesOutput,
        failures=[exceptions.SecondFactorMissing, exceptions.WrongCode, *_OWNER],
    )
    def post(self, request: ApiRequest, *, current_password: str, code: str) -> dict[str, list[str]]:
        codes = services.renew_recovery_codes(
            actor=request.caller, current_password=current_password, code=code, device=device_of(request)
        )
        return {"recovery_codes": codes}


class UserSecondFactorView(View, tag="users"):
    @operation(
        "users_second_factor_remove",
        "Remove the second factor of an account",
        failures=[exceptions.UserNotFound, exceptions.OwnAccount, exceptions.SecondFactorMissing],
    )
    def delete(self, request: ApiRequest, user_id: UUID) -> None:
        """All sessions of the account end."""
        services.remove_second_factor_of(actor=request.caller, user_id=user_id)
