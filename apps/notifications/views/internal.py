"""Zone internal: a service tells a person something."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.notifications import exceptions, serializers, services


class Notify(APIView):
    """Telling a person something."""

    @extend_schema(
        operation_id="notifications_notify",
        tags=["Notifications"],
        summary="Notify a person",
        request=serializers.NotifyInput,
        responses={201: serializers.NotificationOutput, 204: None},
    )
    @raises(exceptions.RecipientNotFound, exceptions.InvalidLink)
    def post(self, request: Request) -> Response:
        """201; 204 when they do not want to hear of this kind."""
        data = serializers.NotifyInput(data=request.data)
        data.is_valid(raise_exception=True)
        values = dict(data.validated_data)
        notification = services.notify(user_id=values.pop("user"), **values)
        if notification is None:
            return Response(status=204)
        return Response(serializers.NotificationOutput(notification).data, status=201)


class Push(APIView):
    """Showing a person something, if they are there."""

    @extend_schema(
        operation_id="notifications_push",
        tags=["Notifications"],
        summary="Push an event to a person's open sockets",
        request=serializers.PushInput,
        responses={
            202: OpenApiResponse(description="On its way. It is not kept for those who are not there.")
        },
    )
    @raises(exceptions.RecipientNotFound)
    def post(self, request: Request) -> Response:
        """A frame `{"type":"event","name","data"}` on every socket and stream of this person."""
        data = serializers.PushInput(data=request.data)
        data.is_valid(raise_exception=True)
        values = dict(data.validated_data)
        services.push_event(user_id=values.pop("user"), **values)
        return Response(status=202)
