"""Zone public: registration, sign-in and its tokens, links of mails."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.users import exceptions, serializers, services
from apps.users.hashers import HashingBusy
from apps.users.types import Challenge, TokenPair
from apps.users.views import request_data

_TAGS = ["auth"]
_DONE = OpenApiResponse(description="Done.")
_CHECK_MAIL = {"detail": "Look into your mail: what happens next is there."}


SIGNED_IN = {
    200: serializers.TokenPairOutput,
    202: OpenApiResponse(serializers.ChallengeOutput, description="A second factor is due."),
}


def signed_in(outcome: TokenPair | Challenge) -> Response:
    """200 with tokens, or 202 with a challenge."""
    if isinstance(outcome, Challenge):
        return Response(serializers.ChallengeOutput(outcome).data, status=status.HTTP_202_ACCEPTED)
    return Response(serializers.TokenPairOutput(outcome).data)


class Register(APIView):
    """`auth/register/`."""

    @extend_schema(
        operation_id="auth_register",
        tags=_TAGS,
        summary="Make an account",
        description="A mail with a link that verifies the address follows. The account can be signed in to at once.",
        request=serializers.RegistrationInput,
        responses={
            201: serializers.RegistrationOutput,
            202: OpenApiResponse(
                serializers.AcceptedOutput,
                description="Where addresses are kept secret: the mail says what happened.",
            ),
        },
    )
    @raises(exceptions.EmailTaken, exceptions.PasswordRefused, exceptions.TooManyAttempts, HashingBusy)
    def post(self, request: Request) -> Response:
        """201 with the account; 202 where known addresses get the same answer as new ones."""
        data = request_data.body(serializers.RegistrationInput, request)
        user = services.register_user(**data, device=request_data.device(request))
        if user is None:
            return Response(serializers.AcceptedOutput(_CHECK_MAIL).data, status=status.HTTP_202_ACCEPTED)
        return Response(serializers.RegistrationOutput(user).data, status=status.HTTP_201_CREATED)


class Login(APIView):
    """`auth/login/`."""

    @extend_schema(
        operation_id="auth_login",
        tags=_TAGS,
        summary="Sign in",
        description="An account with a second factor gets a challenge instead: go on at `auth/login/second-factor/`.",
        request=serializers.LoginInput,
        responses=SIGNED_IN,
    )
    @raises(exceptions.InvalidCredentials, exceptions.TooManyAttempts, HashingBusy)
    def post(self, request: Request) -> Response:
        """200 with the tokens of a new session; 202 with a challenge."""
        data = request_data.body(serializers.LoginInput, request)
        return signed_in(services.login(**data, device=request_data.device(request)))


class LoginSecondFactor(APIView):
    """`auth/login/second-factor/`."""

    @extend_schema(
        operation_id="auth_login_second_factor",
        tags=_TAGS,
        summary="Finish signing in with a second factor",
        description="A wrong code leaves the challenge as it is; a right one uses it up.",
        request=serializers.SecondFactorLoginInput,
        responses=serializers.TokenPairOutput,
    )
    @raises(exceptions.ChallengeRefused, exceptions.SecondFactorRefused, exceptions.TooManyAttempts)
    def post(self, request: Request) -> Response:
        """200 with the tokens of a new session."""
        data = request_data.body(serializers.SecondFactorLoginInput, request)
        return signed_in(services.complete_login(**data, device=request_data.device(request)))


class Refresh(APIView):
    """`auth/refresh/`."""

    @extend_schema(
        operation_id="auth_refresh",
        tags=_TAGS,
        summary="Trade a refresh token for a new pair",
        description="A refresh token is good once. One that comes a second time ends its session.",
        request=serializers.RefreshInput,
        responses=serializers.TokenPairOutput,
    )
    @raises(exceptions.RefreshTokenRefused)
    def post(self, request: Request) -> Response:
        """200 with the new pair."""
        data = request_data.body(serializers.RefreshInput, request)
        return Response(serializers.TokenPairOutput(services.refresh(refresh_token=data["refresh"])).data)


class Logout(APIView):
    """`auth/logout/`."""

    @extend_schema(
        operation_id="auth_logout",
        tags=_TAGS,
        summary="End the session of a refresh token",
        request=serializers.RefreshInput,
        responses={204: _DONE},
    )
    def post(self, request: Request) -> Response:
        """204, also for a token that is unknown."""
        data = request_data.body(serializers.RefreshInput, request)
        services.logout(refresh_token=data["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordReset(APIView):
    """`auth/password/reset/`."""

    @extend_schema(
        operation_id="auth_password_reset",
        tags=_TAGS,
        summary="Ask for a link that sets a new password",
        request=serializers.ResetInput,
        responses={202: serializers.AcceptedOutput},
    )
    @raises(exceptions.TooManyAttempts)
    def post(self, request: Request) -> Response:
        """202, whether the address is known or not."""
        data = request_data.body(serializers.ResetInput, request)
        services.request_password_reset(**data, device=request_data.device(request))
        return Response(serializers.AcceptedOutput(_CHECK_MAIL).data, status=status.HTTP_202_ACCEPTED)


class PasswordResetConfirm(APIView):
    """`auth/password/reset/confirm/`."""

    @extend_schema(
        operation_id="auth_password_reset_confirm",
        tags=_TAGS,
        summary="Set a new password by the token of a mail",
        description="Every session of the account ends.",
        request=serializers.ResetConfirmInput,
        responses={204: _DONE},
    )
    @raises(exceptions.OneTimeTokenRefused, exceptions.PasswordRefused, HashingBusy)
    def post(self, request: Request) -> Response:
        """204."""
        data = request_data.body(serializers.ResetConfirmInput, request)
        services.confirm_password_reset(**data)
        return Response(status=status.HTTP_204_NO_CONTENT)
