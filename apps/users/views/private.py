"""Zone private: one's own account, password, picture and sessions."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.parsers import UploadParser
from apps.common.http.permissions import caller_of
from apps.users import exceptions, selectors, serializers, services
from apps.users.hashers import HashingBusy
from apps.users.models import Session
from apps.users.models.sessions import SessionQuerySet
from apps.users.types import ProfileChanges
from apps.users.views import request_data

_ACCOUNT = ["account"]
_SESSIONS = ["sessions"]
_DONE = OpenApiResponse(description="Done.")


class Me(APIView):
    """`users/me/`."""

    @extend_schema(
        operation_id="users_me", tags=_ACCOUNT, summary="One's own account", responses=serializers.MeOutput
    )
    def get(self, request: Request) -> Response:
        """200."""
        return Response(serializers.MeOutput(request.user).data)

    @extend_schema(
        operation_id="users_me_update",
        tags=_ACCOUNT,
        summary="Change one's own account",
        request=serializers.ProfileInput,
        responses=serializers.MeOutput,
    )
    def patch(self, request: Request) -> Response:
        """200 with the changed account."""
        changes = request_data.body(serializers.ProfileInput, request, partial=True)
        user = services.update_profile(actor=caller_of(request), changes=cast("ProfileChanges", changes))
        return Response(serializers.MeOutput(user).data)

    @extend_schema(
        operation_id="users_me_erase",
        tags=_ACCOUNT,
        summary="Erase one's own account",
        description="Personal data is gone for good, and every session ends.",
        responses={204: _DONE},
    )
    @raises(exceptions.LastAdmin)
    def delete(self, request: Request) -> Response:
        """204."""
        services.erase_own_account(actor=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Export(APIView):
    """`users/me/export/`."""

    @extend_schema(
        operation_id="users_me_export",
        tags=_ACCOUNT,
        summary="All that is kept about oneself, as a file",
        description="One JSON object with a member for each part of the product.",
        responses=OpenApiResponse(OpenApiTypes.OBJECT, description="The file, as it is read."),
    )
    @raises(exceptions.TooManyAttempts)
    def get(self, request: Request) -> StreamingHttpResponse:
        """200 with the file."""
        actor = caller_of(request)
        pieces = services.export_data(actor=actor, device=request_data.device(request))
        return StreamingHttpResponse(
            pieces,
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{actor.user.pk}.json"'},
        )


class Password(APIView):
    """`users/me/password/`."""

    @extend_schema(
        operation_id="users_me_password",
        tags=_ACCOUNT,
        summary="Change one's password",
        description="Every session ends, the one of this call included: sign in with the new password.",
        request=serializers.PasswordChangeInput,
        responses={204: _DONE},
    )
    @raises(exceptions.WrongPassword, exceptions.PasswordRefused, exceptions.TooManyAttempts, HashingBusy)
    def post(self, request: Request) -> Response:
        """204."""
        data = request_data.body(serializers.PasswordChangeInput, request)
        services.change_password(actor=caller_of(request), **data, device=request_data.device(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Avatar(APIView):
    """`users/me/avatar/`."""

    parser_classes = (UploadParser,)

    @extend_schema(
        operation_id="users_me_avatar_set",
        tags=_ACCOUNT,
        summary="Set one's picture",
        description="The middle square of the image is stored anew, without metadata.",
        request={"multipart/form-data": serializers.AvatarInput},
        responses=serializers.MeOutput,
    )
    @raises(exceptions.AvatarRefused)
    def put(self, request: Request) -> Response:
        """200 with the changed account."""
        data = request_data.body(serializers.AvatarInput, request)
        user = services.set_avatar(actor=caller_of(request), file=data["avatar"])
        return Response(serializers.MeOutput(user).data)

    @extend_schema(
        operation_id="users_me_avatar_remove",
        tags=_ACCOUNT,
        summary="Remove one's picture",
        responses={204: _DONE},
    )
    def delete(self, request: Request) -> Response:
        """204."""
        services.remove_avatar(actor=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Sessions(ListAPIView[Session]):
    """`users/me/sessions/`."""

    serializer_class = serializers.SessionOutput
    queryset = Session.objects.none()

    def get_queryset(self) -> SessionQuerySet:
        """Those of the caller."""
        return selectors.list_sessions(user=caller_of(self.request).user)

    @extend_schema(operation_id="users_me_sessions", tags=_SESSIONS, summary="One's live sessions")
    def get(self, request: Request) -> Response:
        """200 with a page."""
        return self.list(request)


class OneSession(APIView):
    """`users/me/sessions/{id}/`."""

    @extend_schema(
        operation_id="users_me_sessions_end",
        tags=_SESSIONS,
        summary="End one of one's sessions",
        responses={204: _DONE},
    )
    @raises(exceptions.SessionNotFound)
    def delete(self, request: Request, session_id: UUID) -> Response:
        """204."""
        services.revoke_session(actor=caller_of(request), session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutAll(APIView):
    """`users/me/logout-all/`."""

    @extend_schema(
        operation_id="users_me_logout_all",
        tags=_SESSIONS,
        summary="End all of one's sessions",
        request=None,
        responses={204: _DONE},
    )
    def post(self, request: Request) -> Response:
        """204."""
        services.logout_everywhere(actor=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class OneUser(APIView):
    """`users/{id}/`."""

    @extend_schema(
        operation_id="users_get",
        tags=_ACCOUNT,
        summary="An account, for its owner and for admins",
        responses=serializers.AccountOutput,
    )
    @raises(exceptions.UserNotFound)
    def get(self, request: Request, user_id: UUID) -> Response:
        """200; 404 for everybody else, whether there is such an account or not."""
        user = selectors.get_user_for(actor=caller_of(request), user_id=user_id)
        return Response(serializers.AccountOutput(user).data)
