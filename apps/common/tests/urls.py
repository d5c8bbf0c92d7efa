"""Views for tests of middleware."""

from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from apps.common.callers import Caller, CallerKind
from apps.common.http import health
from infrastructure.telemetry import context


def echo(request: HttpRequest) -> HttpResponse:
    """Answers with the received request."""
    return JsonResponse(
        {
            "size": len(request.body),
            "id": context.request_id(),
            "session": hasattr(request, "session"),
            "user": hasattr(request, "user"),
        }
    )


def as_service(request: HttpRequest, number: int) -> HttpResponse:
    """Sets the attributes of a zone's guard on the request."""
    request.zone = SimpleNamespace(name="internal")  # type: ignore[attr-defined]
    request.caller = Caller(kind=CallerKind.SERVICE, service="billing")  # type: ignore[attr-defined]
    return JsonResponse({"number": number})


def page(request: HttpRequest) -> HttpResponse:
    """A page that uses a nonce on request."""
    nonce = str(request.csp_nonce) if "nonce" in request.GET else ""  # type: ignore[attr-defined]
    return HttpResponse(f"<p>{nonce}</p>")


def own_headers(request: HttpRequest) -> HttpResponse:
    """An answer with its own headers."""
    return JsonResponse(
        {}, headers={"Cache-Control": "max-age=60", "Content-Security-Policy": "default-src 'self'"}
    )


def broken(request: HttpRequest) -> HttpResponse:
    """A view that raises."""
    raise RuntimeError("boom")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Replaces apps.api's handler400."""
    return JsonResponse({"code": type(exception).__name__}, status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """An error handler that raises."""
    if "handler" in request.GET:
        raise RuntimeError("the handler, too")
    return JsonResponse({"code": "internal_error"}, status=500)


handler400: Any = bad_request
handler500: Any = server_error

urlpatterns = [
    path("api/echo/", echo),
    path("api/docs/", page),
    path("api/service/<int:number>/", as_service),
    path("api/own/", own_headers),
    path("api/broken/", broken),
    path("page/", page),
    path("page/echo/", echo),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
]

__all__ = ["handler400", "handler500", "urlpatterns"]
