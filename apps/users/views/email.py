"""The address of an account. Zone public: links of mails. Zone private: asking for another address."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of
from apps.users import exceptions, selectors, serializers, services
from apps.users.hashers import HashingBusy
from apps.users.models import User
from apps.users.views import request_data

_DONE = OpenApiResponse(description="Done.")
_CHECK_MAIL = {"detail": "Look into your mail: what happens next is there."}


class EmailVerify(APIView):
    """`auth/email/verify/`."""

    @extend_schema(
        operation_id="auth_email_verify",
        tags=["auth"],
        summary="Verify an e-mail address by the token of a mail",
        request=serializers.VerifyInput,
        responses={204: _DONE},
    )
    @raises(exceptions.OneTimeTokenRefused)
    def post(self, request: Request) -> Response:
        """204."""
        data = request_data.body(serializers.VerifyInput, request)
        services.verify_email(**data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class EmailResend(APIView):
    """`auth/email/resend/`."""

    @extend_schema(
        operation_id="auth_email_resend",
        tags=["auth"],
        summary="Ask for the mail that verifies an address once more",
        request=serializers.ResetInput,
        responses={202: serializers.AcceptedOutput},
    )
    @raises(exceptions.TooManyAttempts)
    def post(self, request: Request) -> Response:
        """202, whether there is something to verify or not."""
        data = request_data.body(serializers.ResetInput, request)
        services.resend_verification(**data, device=request_data.device(request))
        return Response(serializers.AcceptedOutput(_CHECK_MAIL).data, status=status.HTTP_202_ACCEPTED)


class EmailChangeConfirm(APIView):
    """`auth/email/change/confirm/`."""

    @extend_schema(
        operation_id="auth_email_change_confirm",
        tags=["auth"],
        summary="Agree to a change of address by the token of a mail",
        description="The account moves when both addresses have agreed.",
        request=serializers.VerifyInput,
        responses=serializers.ConfirmedOutput,
    )
    @raises(exceptions.OneTimeTokenRefused, exceptions.EmailTaken)
    def post(self, request: Request) -> Response:
        """200."""
        data = request_data.body(serializers.VerifyInput, request)
        completed = services.confirm_email_change(**data)
        return Response(serializers.ConfirmedOutput({"completed": completed}).data)


class Email(APIView):
    """`users/me/email/`."""

    @extend_schema(
        operation_id="users_me_email",
        tags=["account"],
        summary="The address of one's account, and the one it is to have",
        responses=serializers.AddressOutput,
    )
    def get(self, request: Request) -> Response:
        """200."""
        return Response(_shown(caller_of(request).user))

    @extend_schema(
        operation_id="users_me_email_change",
        tags=["account"],
        summary="Ask for another address",
        description="Both addresses get a mail; the account moves when both have agreed.",
        request=serializers.EmailChangeInput,
        responses={202: serializers.AddressOutput},
    )
    @raises(
        exceptions.EmailUnchanged,
        exceptions.InvalidEmail,
        exceptions.WrongPassword,
        exceptions.SignInStale,
        exceptions.TooManyAttempts,
        HashingBusy,
    )
    def post(self, request: Request) -> Response:
        """202, whether the new address has an account or not."""
        data = request_data.body(serializers.EmailChangeInput, request)
        services.request_email_change(actor=caller_of(request), **data, device=request_data.device(request))
        return Response(_shown(caller_of(request).user), status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="users_me_email_keep",
        tags=["account"],
        summary="Keep the address after all",
        responses={204: _DONE},
    )
    def delete(self, request: Request) -> Response:
        """204, also when no change waits."""
        services.cancel_email_change(actor=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(user: User) -> dict[str, object]:
    shown = {
        "email": user.email,
        "email_verified": user.is_verified,
        "change": selectors.find_email_change(user=user),
    }
    return serializers.AddressOutput(shown).data
