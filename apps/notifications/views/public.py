"""Zone public: the link that ends the digests."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.parsers import StrictJSONParser
from apps.notifications import exceptions, serializers, services


class Unsubscribe(APIView):
    """No more digests."""

    # Mail programs post a form of their own to the address in the mail's header (RFC 8058), with the token in the query.
    parser_classes = (StrictJSONParser, FormParser)

    @extend_schema(
        operation_id="notifications_unsubscribe",
        tags=["Notifications"],
        summary="End one's digests by the link of one",
        parameters=[
            OpenApiParameter(
                "token",
                {"type": "string", "minLength": 1, "maxLength": serializers.TOKEN_LENGTH},
                description="Instead of the one in the body.",
            )
        ],
        request={"application/json": serializers.UnsubscribeInput},
        responses={204: OpenApiResponse(description="No more digests.")},
    )
    @raises(exceptions.LinkUnusable)
    def post(self, request: Request) -> Response:
        """Done twice is done."""
        given = request.query_params if "token" in request.query_params else request.data
        data = serializers.UnsubscribeInput(data=given)
        data.is_valid(raise_exception=True)
        services.unsubscribe(token=data.validated_data["token"])
        return Response(status=204)
