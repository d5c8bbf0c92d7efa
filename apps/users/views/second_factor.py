"""Zone private: one's own second factor. Zone admin: helping somebody who has lost theirs."""

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
    """What asks for both factors once more."""

    code = SecretField(max_length=CODE_LENGTH, help_text="Of the authenticator app, or a recovery code.")


class RecoveryCodesOutput(serializers.Serializer[Any]):
    """Shown once; each works once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class SecondFactorView(View, tag="second factor"):
    class SecondFactorOutput(serializers.Serializer[Any]):
        """Whether signing in takes a second factor."""

        is_enabled = serializers.BooleanField()
        enabled_at = serializers.DateTimeField(allow_null=True)
        recovery_codes_left = serializers.IntegerField()

    class EnrolmentOutput(serializers.Serializer[Any]):
        """What an authenticator app is set up with."""

        secret = serializers.CharField(help_text="Base32, for typing.")
        uri = serializers.CharField(help_text="`otpauth://…`, for a QR code.")

    @operation(
        "users_me_second_factor", "Whether signing in takes a second factor", answers=SecondFactorOutput
    )
    def get(self, request: ApiRequest) -> SecondFactorState:
        return selectors.get_second_factor_state(user=request.caller.user)

    @operation(
        "users_me_second_factor_begin",
        "Begin to set up an authenticator app",
        body=OwnerInput,
        answers={201: EnrolmentOutput},
        failures=[exceptions.SecondFactorEnabled, *_OWNER],
    )
    def post(self, request: ApiRequest, *, current_password: str) -> Enrolment:
        """Nothing is asked for until a code of the app was confirmed."""
        return services.begin_second_factor(
            actor=request.caller, current_password=current_password, device=device_of(request)
        )


class ConfirmView(View, tag="second factor"):
    class CodeInput(fields.Input):
        code = SecretField(max_length=CODE_LENGTH, help_text="Of the authenticator app.")

    @operation(
        "users_me_second_factor_confirm",
        "Switch the second factor on with a code of the app",
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
        """Every other session ends. The recovery codes are shown this once."""
        codes = services.confirm_second_factor(actor=request.caller, code=code, device=device_of(request))
        return {"recovery_codes": codes}


class DisableView(View, tag="second factor"):
    @operation(
        "users_me_second_factor_disable",
        "Switch the second factor off",
        body=OwnerCodeInput,
        failures=[exceptions.SecondFactorMissing, exceptions.WrongCode, *_OWNER],
    )
    def post(self, request: ApiRequest, *, current_password: str, code: str) -> None:
        """Every other session ends."""
        services.disable_second_factor(
            actor=request.caller, current_password=current_password, code=code, device=device_of(request)
        )


class RecoveryCodesView(View, tag="second factor"):
    @operation(
        "users_me_recovery_codes_renew",
        "New recovery codes in place of the old ones",
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
        "Switch off the second factor of somebody who has lost it",
        failures=[exceptions.UserNotFound, exceptions.OwnAccount, exceptions.SecondFactorMissing],
    )
    def delete(self, request: ApiRequest, user_id: UUID) -> None:
        """All sessions of the account end."""
        services.remove_second_factor_of(actor=request.caller, user_id=user_id)
