"""Zone internal: a service tells a person something."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.documentation import raises
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
