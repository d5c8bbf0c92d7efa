"""Views that evade DRF's checks, each in another way that DRF or Django allows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import (
    action,
    api_view,
    authentication_classes,
    permission_classes,
    throttle_classes,
)
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apps.api.tests.fakes.standard_views.views import touched
from apps.common.callers import Caller
from apps.common.http.authentication import ZoneFloor


class IsAdmin(ZoneFloor):
    """Stricter than the zone of users."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is an admin."""
        return isinstance(request.auth, Caller) and request.auth.is_admin


class Bare(APIView):
    """Configured by arguments of `as_view()`."""

    permission_classes = [IsAdmin]

    def get(self, request: Request) -> Response:
        """Read."""
        touched.append("bare")
        return Response({})


class Skipping(APIView):
    """Skips DRF's steps before a handler: authentication, permissions, throttles."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def get(self, request: Request) -> Response:
        """Read."""
        touched.append("skipping")
        return Response({})


class Dispatching(APIView):
    """Answers before any step of DRF."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer."""
        touched.append("dispatching")
        return JsonResponse({})


class Forgiving(APIView):
    """Turns every error of DRF into an answer."""

    permission_classes = [IsAdmin]

    def handle_exception(self, exc: Exception) -> Response:
        """Answer."""
        touched.append("forgiving")
        return Response({})


class Gadgets(mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """A viewset whose actions have their own permissions, and one that is created by `as_view(permission_classes=…)`."""

    serializer_class = serializers.Serializer
    permission_classes = [IsAdmin]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List."""
        touched.append("gadgets")
        return Response([])

    @action(
        detail=True,
        methods=["get", "post"],
        permission_classes=[],
        authentication_classes=[],
        throttle_classes=[],
    )
    def skim(self, request: Request, pk: str) -> Response:
        """Skim."""
        touched.append("skim")
        return Response({})

    def get_permissions(self) -> Any:
        """Those of the action, or none at all."""
        return [] if self.action == "skim" else super().get_permissions()

    def get_authenticators(self) -> Any:
        """None at all."""
        return []


@api_view(["GET"])
@authentication_classes([])
@throttle_classes([])
@permission_classes([])
def function(request: Request) -> Response:
    """A function view of DRF without any checks."""
    touched.append("function")
    return Response({})


@csrf_exempt
@cache_page(60, key_prefix="gadgets")
@require_GET
def decorated(request: HttpRequest) -> HttpResponse:
    """Its answer is cached, and may be repeated without a call of the view."""
    touched.append("decorated")
    return JsonResponse({})


def numbered(request: HttpRequest, number: int) -> HttpResponse:
    """Mounted with its argument given."""
    touched.append("numbered")
    return JsonResponse({"number": number})


class Answering:
    """An object that can be called."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        touched.append("answering")
        return JsonResponse({})


class AsyncClass(View):
    """A class of async methods."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Read."""
        touched.append("async class")
        return JsonResponse({})


class OneOnly(BaseThrottle):
    """A limit that is always used up."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Never."""
        return False

    def wait(self) -> float:
        """Seconds."""
        return 2.5


class Limited(APIView):
    """Has its own limit."""

    throttle_classes = [OneOnly]

    def get(self, request: Request) -> Response:
        """Read."""
        touched.append("limited")
        return Response({})


class Narrow(APIView):
    """Stricter than its zone."""

    permission_classes = [IsAdmin]

    def get(self, request: Request) -> Response:
        """Read."""
        touched.append("narrow")
        return Response({})


class Open(AllowAny):
    """AllowAny under another name."""
