"""Zone private: one's own second factor. Zone admin: helping somebody who has lost theirs."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of
from apps.users import exceptions, selectors, serializers, services
from apps.users.hashers import HashingBusy
from apps.users.views import request_data

_TAGS = ["second factor"]
_DONE = OpenApiResponse(description="Done.")
_OWNER = (exceptions.WrongPassword, exceptions.SignInStale, exceptions.TooManyAttempts, HashingBusy)


class SecondFactor(APIView):
    """`users/me/second-factor/`."""

    @extend_schema(
        operation_id="users_me_second_factor",
        tags=_TAGS,
        summary="Whether signing in takes a second factor",
        responses=serializers.SecondFactorOutput,
    )
    def get(self, request: Request) -> Response:
        """200."""
        state = selectors.get_second_factor_state(user=caller_of(request).user)
        return Response(serializers.SecondFactorOutput(state).data)

    @extend_schema(
        operation_id="users_me_second_factor_begin",
        tags=_TAGS,
        summary="Begin to set up an authenticator app",
        description="Nothing is asked for until a code of the app was confirmed.",
        request=serializers.OwnerInput,
        responses={201: serializers.EnrolmentOutput},
    )
    @raises(exceptions.SecondFactorEnabled, *_OWNER)
    def post(self, request: Request) -> Response:
        """201 with the secret."""
        data = request_data.body(serializers.OwnerInput, request)
        begun = services.begin_second_factor(
            actor=caller_of(request), **data, device=request_data.device(request)
        )
        return Response(serializers.EnrolmentOutput(begun).data, status=status.HTTP_201_CREATED)


class Confirm(APIView):
    """`users/me/second-factor/confirm/`."""

    @extend_schema(
        operation_id="users_me_second_factor_confirm",
        tags=_TAGS,
        summary="Switch the second factor on with a code of the app",
        description="Every other session ends. The recovery codes are shown this once.",
        request=serializers.CodeInput,
        responses=serializers.RecoveryCodesOutput,
    )
    @raises(
        exceptions.SecondFactorMissing,
        exceptions.SecondFactorEnabled,
        exceptions.WrongCode,
        exceptions.TooManyAttempts,
    )
    def post(self, request: Request) -> Response:
        """200 with the recovery codes."""
        data = request_data.body(serializers.CodeInput, request)
        codes = services.confirm_second_factor(
            actor=caller_of(request), **data, device=request_data.device(request)
        )
        return Response(serializers.RecoveryCodesOutput({"recovery_codes": codes}).data)


class Disable(APIView):
    """`users/me/second-factor/disable/`."""

    @extend_schema(
        operation_id="users_me_second_factor_disable",
        tags=_TAGS,
        summary="Switch the second factor off",
        description="Every other session ends.",
        request=serializers.OwnerCodeInput,
        responses={204: _DONE},
    )
    @raises(exceptions.SecondFactorMissing, exceptions.WrongCode, *_OWNER)
    def post(self, request: Request) -> Response:
        """204."""
        data = request_data.body(serializers.OwnerCodeInput, request)
        services.disable_second_factor(actor=caller_of(request), **data, device=request_data.device(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RecoveryCodes(APIView):
    """`users/me/second-factor/recovery-codes/`."""

    @extend_schema(
        operation_id="users_me_recovery_codes_renew",
        tags=_TAGS,
        summary="New recovery codes in place of the old ones",
        request=serializers.OwnerCodeInput,
        responses=serializers.RecoveryCodesOutput,
    )
    @raises(exceptions.SecondFactorMissing, exceptions.WrongCode, *_OWNER)
    def post(self, request: Request) -> Response:
        """200 with the recovery codes."""
        data = request_data.body(serializers.OwnerCodeInput, request)
        codes = services.renew_recovery_codes(
            actor=caller_of(request), **data, device=request_data.device(request)
        )
        return Response(serializers.RecoveryCodesOutput({"recovery_codes": codes}).data)


class SecondFactorOf(APIView):
    """`users/{id}/second-factor/`, in the admin zone."""

    @extend_schema(
        operation_id="users_second_factor_remove",
        tags=["users"],
        summary="Switch off the second factor of somebody who has lost it",
        description="All sessions of the account end.",
        responses={204: _DONE},
    )
    @raises(exceptions.UserNotFound, exceptions.OwnAccount, exceptions.SecondFactorMissing)
    def delete(self, request: Request, user_id: UUID) -> Response:
        """204."""
        services.remove_second_factor_of(actor=caller_of(request), user_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
