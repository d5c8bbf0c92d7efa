"""Zone admin: everybody's accounts."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of
from apps.users import exceptions, selectors, serializers, services
from apps.users.filters import UserFilter
from apps.users.models import Session, User
from apps.users.models.sessions import SessionQuerySet
from apps.users.types import AccountChanges
from apps.users.views import request_data

_TAGS = ["users"]
_DONE = OpenApiResponse(description="Done.")


class Users(ListAPIView[User]):
    """`users/`."""

    queryset = User.objects.none()
    serializer_class = serializers.AdminAccountOutput
    filterset_class = UserFilter

    def get_queryset(self) -> QuerySet[User]:
        """Those that the caller may see."""
        return selectors.list_users_for(actor=caller_of(self.request))

    @extend_schema(operation_id="users_list", tags=_TAGS, summary="Accounts, the newest first")
    def get(self, request: Request) -> Response:
        """200 with a page."""
        return self.list(request)


class OneUser(APIView):
    """`users/{id}/`."""

    @extend_schema(
        operation_id="users_get", tags=_TAGS, summary="An account", responses=serializers.AdminAccountOutput
    )
    @raises(exceptions.UserNotFound)
    def get(self, request: Request, user_id: UUID) -> Response:
        """200."""
        user = selectors.get_user_for(actor=caller_of(request), user_id=user_id)
        return Response(serializers.AdminAccountOutput(user).data)

    @extend_schema(
        operation_id="users_replace",
        tags=_TAGS,
        summary="Set name, role and activity of an account",
        request=serializers.AccountChangesInput,
        responses=serializers.AdminAccountOutput,
    )
    @raises(exceptions.UserNotFound, exceptions.OwnAccount, exceptions.RankTooLow, exceptions.RoleUnknown)
    def put(self, request: Request, user_id: UUID) -> Response:
        """200 with the changed account."""
        changes = request_data.body(serializers.AccountChangesInput, request)
        user = services.update_user(
            actor=caller_of(request), user_id=user_id, changes=cast("AccountChanges", changes)
        )
        return Response(serializers.AdminAccountOutput(user).data)

    @extend_schema(
        operation_id="users_update",
        tags=_TAGS,
        summary="Change an account",
        request=serializers.AccountChangesInput(partial=True),
        responses=serializers.AdminAccountOutput,
    )
    @raises(exceptions.UserNotFound, exceptions.OwnAccount, exceptions.RankTooLow, exceptions.RoleUnknown)
    def patch(self, request: Request, user_id: UUID) -> Response:
        """200 with the changed account."""
        changes = request_data.body(serializers.AccountChangesInput, request, partial=True)
        user = services.update_user(
            actor=caller_of(request), user_id=user_id, changes=cast("AccountChanges", changes)
        )
        return Response(serializers.AdminAccountOutput(user).data)

    @extend_schema(
        operation_id="users_delete",
        tags=_TAGS,
        summary="Deactivate an account, or erase it",
        parameters=[serializers.EraseInput],
        responses={204: _DONE},
    )
    @raises(exceptions.UserNotFound, exceptions.OwnAccount, exceptions.RankTooLow)
    def delete(self, request: Request, user_id: UUID) -> Response:
        """204."""
        erases = request_data.query(serializers.EraseInput, request)["erase"]
        end = services.erase_user if erases else services.deactivate_user
        end(actor=caller_of(request), user_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Deactivate(APIView):
    """`users/{id}/deactivate/`."""

    @extend_schema(
        operation_id="users_deactivate",
        tags=_TAGS,
        summary="Switch an account off",
        description="Its sessions end at once.",
        request=None,
        responses=serializers.AdminAccountOutput,
    )
    @raises(exceptions.UserNotFound, exceptions.OwnAccount, exceptions.RankTooLow)
    def post(self, request: Request, user_id: UUID) -> Response:
        """200 with the changed account."""
        user = services.deactivate_user(actor=caller_of(request), user_id=user_id)
        return Response(serializers.AdminAccountOutput(user).data)


class Activate(APIView):
    """`users/{id}/activate/`."""

    @extend_schema(
        operation_id="users_activate",
        tags=_TAGS,
        summary="Switch an account on again",
        request=None,
        responses=serializers.AdminAccountOutput,
    )
    @raises(exceptions.UserNotFound, exceptions.RankTooLow)
    def post(self, request: Request, user_id: UUID) -> Response:
        """200 with the changed account."""
        user = services.activate_user(actor=caller_of(request), user_id=user_id)
        return Response(serializers.AdminAccountOutput(user).data)


class UserSessions(ListAPIView[Session]):
    """`users/{id}/sessions/`."""

    serializer_class = serializers.AdminSessionOutput
    queryset = Session.objects.none()

    def get_queryset(self) -> SessionQuerySet:
        """The live ones of the account."""
        user = selectors.get_user_for(actor=caller_of(self.request), user_id=self.kwargs["user_id"])
        return selectors.list_sessions(user=user)

    @extend_schema(operation_id="users_sessions", tags=_TAGS, summary="The live sessions of an account")
    @raises(exceptions.UserNotFound)
    def get(self, request: Request, user_id: UUID) -> Response:
        """200 with a page."""
        return self.list(request)

    @extend_schema(
        operation_id="users_sessions_end_all",
        tags=_TAGS,
        summary="End all sessions of an account",
        responses={204: _DONE},
    )
    @raises(exceptions.UserNotFound, exceptions.RankTooLow)
    def delete(self, request: Request, user_id: UUID) -> Response:
        """204."""
        services.revoke_all_sessions_of(actor=caller_of(request), user_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OneUserSession(APIView):
    """`users/{id}/sessions/{session_id}/`."""

    @extend_schema(
        operation_id="users_sessions_end",
        tags=_TAGS,
        summary="End a session of an account",
        responses={204: _DONE},
    )
    @raises(exceptions.UserNotFound, exceptions.RankTooLow, exceptions.SessionNotFound)
    def delete(self, request: Request, user_id: UUID, session_id: UUID) -> Response:
        """204."""
        services.revoke_session_of(actor=caller_of(request), user_id=user_id, session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
