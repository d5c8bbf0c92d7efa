"""Zone internal: what other services ask about tokens and accounts."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of
from apps.users import exceptions, selectors, serializers
from apps.users.views import request_data


class Introspect(APIView):
    """`tokens/introspect/`."""

    @extend_schema(
        operation_id="tokens_introspect",
        tags=["tokens"],
        summary="What an access token stands for",
        request=serializers.IntrospectionInput,
        responses=serializers.IntrospectionOutput,
    )
    def post(self, request: Request) -> Response:
        """200, also for a token that does not hold: `active` says so."""
        data = request_data.body(serializers.IntrospectionInput, request)
        return Response(serializers.IntrospectionOutput(selectors.introspect(**data)).data)


class OneUser(APIView):
    """`users/{id}/`."""

    @extend_schema(
        operation_id="users_get",
        tags=["users"],
        summary="An account",
        responses=serializers.ServiceAccountOutput,
    )
    @raises(exceptions.UserNotFound)
    def get(self, request: Request, user_id: UUID) -> Response:
        """200."""
        user = selectors.get_user_for(actor=caller_of(request), user_id=user_id)
        return Response(serializers.ServiceAccountOutput(user).data)
