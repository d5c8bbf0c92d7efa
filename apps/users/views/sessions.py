"""Sessions: refreshed and ended by their tokens (zone public), the caller's (private), those of any account (admin)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import exceptions, selectors, services
from apps.users.models import Session
from apps.users.models.sessions import SessionQuerySet
from apps.users.serializers import TOKEN_LENGTH, SecretField, TokenPairOutput
from apps.users.types import TokenPair


class RefreshInput(fields.Input):
    refresh = SecretField(source="refresh_token", max_length=TOKEN_LENGTH)


class RefreshView(View, tag="auth"):
    @operation(
        "auth_refresh",
        "Exchange a refresh token for a new pair",
        body=RefreshInput,
        answers=TokenPairOutput,
        failures=[exceptions.RefreshTokenRefused],
    )
    def post(self, request: ApiRequest, *, refresh_token: str) -> TokenPair:
        """A refresh token works once. Using it again ends its session."""
        return services.refresh(refresh_token=refresh_token)


class LogoutView(View, tag="auth"):
    @operation("auth_logout", "End the session of a refresh token", body=RefreshInput)
    def post(self, request: ApiRequest, *, refresh_token: str) -> None:
        """An unknown token gets the same answer."""
        services.logout(refresh_token=refresh_token)


class LogoutAllView(View, tag="sessions"):
    @operation("users_me_logout_all", "End all your sessions")
    def post(self, request: ApiRequest) -> None:
        services.logout_everywhere(actor=request.caller)


class AdminSessionOutput(serializers.Serializer[Any]):
    """A live session of an account, as admins see it."""

    id = serializers.UUIDField()
    user_agent = serializers.CharField(help_text="As the client names itself.")
    network = serializers.CharField(help_text="The network that it signed in from.")
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(help_text="When the session last signed in or refreshed.")
    expires_at = serializers.DateTimeField()


class SessionsView(View, tag="sessions"):
    class SessionOutput(AdminSessionOutput):
        """One of the caller's sessions."""

        is_current = serializers.SerializerMethodField(help_text="Whether this call belongs to the session.")

        def get_is_current(self, session: Session) -> bool:
            """Whether the caller's token is of this session."""
            return bool(session.pk == self.context["request"].caller.session_id)

    @operation("users_me_sessions", "List your sessions", page=SessionOutput)
    def get(self, request: ApiRequest) -> SessionQuerySet:
        return selectors.list_sessions(user=request.caller.user)


class SessionView(View, tag="sessions"):
    @operation("users_me_sessions_end", "End one of your sessions", failures=[exceptions.SessionNotFound])
    def delete(self, request: ApiRequest, session_id: UUID) -> None:
        services.revoke_session(actor=request.caller, session_id=session_id)


class UserSessionsView(View, tag="users"):
    @operation(
        "users_sessions",
        "List the sessions of an account",
        page=AdminSessionOutput,
        failures=[exceptions.UserNotFound],
    )
    def get(self, request: ApiRequest, user_id: UUID) -> SessionQuerySet:
        return selectors.list_sessions(user=selectors.get_user_for(actor=request.caller, user_id=user_id))

    @operation(
        "users_sessions_end_all",
        "End all sessions of an account",
        failures=[exceptions.UserNotFound, exceptions.RankTooLow],
    )
    def delete(self, request: ApiRequest, user_id: UUID) -> None:
        services.revoke_all_sessions_of(actor=request.caller, user_id=user_id)


class UserSessionView(View, tag="users"):
    @operation(
        "users_sessions_end",
        "End a session of an account",
        failures=[exceptions.UserNotFound, exceptions.RankTooLow, exceptions.SessionNotFound],
    )
    def delete(self, request: ApiRequest, user_id: UUID, session_id: UUID) -> None:
        services.revoke_session_of(actor=request.caller, user_id=user_id, session_id=session_id)
