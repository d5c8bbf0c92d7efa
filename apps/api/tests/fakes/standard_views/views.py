"""Views of every kind, several of which allow any caller."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views import View
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.exceptions import NotAcceptable, Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common import exceptions
from apps.common.exceptions import raises
from apps.common.http import fields

touched: list[str] = []
"""What ran: a refused call must leave no trace here."""


class WidgetTaken(exceptions.Conflict):
    """The name is in use."""

    code = "widget_taken"
    detail = "Another call was faster."


class WidgetSerializer(fields.Input):
    """A widget."""

    name = serializers.CharField(max_length=20)
    weight = serializers.IntegerField(min_value=1, max_value=1000)


class Widget(APIView):
    """Has no permission classes."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(operation_id="widget_read", responses=WidgetSerializer)
    def get(self, request: Request) -> Response:
        """Read."""
        touched.append("widget")
        return Response({"name": "menhir", "weight": 20})

    @extend_schema(operation_id="widget_make", request=WidgetSerializer, responses={201: WidgetSerializer})
    @raises(WidgetTaken)
    def post(self, request: Request) -> Response:
        """Make."""
        serializer = WidgetSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        touched.append("made")
        if serializer.validated_data["name"] == "taken":
            raise WidgetTaken
        return Response(serializer.data, status=201)


class WidgetV2(APIView):
    """The same path in a later version."""

    @extend_schema(operation_id="widget_read", responses=WidgetSerializer)
    def get(self, request: Request) -> Response:
        """Read."""
        return Response({"name": "menhir", "weight": 20_000})


class Overridden(APIView):
    """Declares that it has no permissions."""

    def get_permissions(self) -> list[Any]:
        """None at all."""
        return []

    @extend_schema(responses=WidgetSerializer)
    def get(self, request: Request) -> Response:
        """Who is it?"""
        touched.append("overridden")
        return Response({"name": type(request.auth).__name__, "weight": 1})


class Widgets(viewsets.ViewSet):
    """A viewset with an action that is open to anyone."""

    @extend_schema(responses=WidgetSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List."""
        touched.append("list")
        return Response([])

    @extend_schema(request=None, responses=WidgetSerializer)
    @action(detail=False, methods=["post"], permission_classes=[AllowAny], authentication_classes=[])
    def roll(self, request: Request) -> Response:
        """Roll."""
        touched.append("roll")
        return Response({"name": "rolled", "weight": 1})


@extend_schema(responses=WidgetSerializer)
@api_view(["GET"])
@permission_classes([AllowAny])
def function(request: Request) -> Response:
    """A function view of DRF."""
    touched.append("function")
    return Response({"name": "function", "weight": 1})


def plain(request: HttpRequest, number: str = "") -> HttpResponse:
    """No DRF at all."""
    touched.append("plain")
    return JsonResponse({"caller": request.caller.kind.value, "zone": request.zone.name})  # type: ignore[attr-defined]


async def later(request: HttpRequest) -> HttpResponse:
    """An async view."""
    touched.append("later")
    return JsonResponse({"later": True})


class PlainClass(View):
    """A class-based view of Django."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Read."""
        touched.append("plain class")
        return JsonResponse({"ok": True})


FAILURES: dict[str, Exception] = {
    "domain": WidgetTaken(errors=[exceptions.FieldError(field="name", code="taken", detail="Taken.")]),
    "gone": exceptions.Gone(),
    "unprocessable": exceptions.Unprocessable("Not like this."),
    "too-many": exceptions.TooManyRequests(retry_after=7),
    "unavailable": exceptions.Unavailable(retry_after=3),
    "http404": Http404("secret words"),
    "denied": PermissionDenied("secret words"),
    "suspicious": SuspiciousOperation("secret words"),
    "data": DataError("integer out of range"),
    "database": OperationalError("connection refused"),
    "acceptable": NotAcceptable(),
    "throttled": Throttled(wait=1.2),
    "validation": serializers.ValidationError({"a": {"b": ["x", "y"]}, "c": [{}, {"d": ["z"]}]}),
    "whole": serializers.ValidationError("together they are wrong"),
    "bug": ZeroDivisionError("secret words"),
}


def failing(request: HttpRequest, kind: str) -> HttpResponse:
    """Raises the given error, or returns its own error response."""
    if kind == "response":
        return HttpResponse("<h1>no</h1>", status=403)
    if kind == "teapot":
        return HttpResponse("short and stout", status=418)
    if kind == "unheard":
        return HttpResponse(status=499)
    if kind == "method":
        return HttpResponseNotAllowed(["PATCH"])
    raise FAILURES[kind]


class FailingRest(APIView):
    """The same through DRF."""

    @extend_schema(exclude=True)
    def get(self, request: Request, kind: str) -> Response:
        """Fail."""
        raise FAILURES[kind]
