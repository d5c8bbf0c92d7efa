"""The base of operations' views: `APIView` without the steps that come to the same for each request of a zone.

DRF makes parsers, renderers, a negotiator and permissions for each request, negotiates the only renderer, and asks for the
version that there is none of. A view that has nothing of its own in these steps skips them; the zone's guard has
authenticated its caller. Any other view, method or request takes DRF's way, with the same answers.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from apps.common.http.authentication import GuardedAuthentication, ZoneFloor
from apps.common.http.renderers import JSONRenderer

_PLAIN: Final = {
    "authentication_classes": [GuardedAuthentication],
    "permission_classes": [ZoneFloor],
    "throttle_classes": [],
    "renderer_classes": [JSONRenderer],
}
_STEPS: Final = (
    *("initialize_request", "initial", "finalize_response", "default_response_headers", "allowed_methods"),
    *(
        "perform_authentication",
        "get_authenticators",
        "check_permissions",
        "get_permissions",
        "permission_denied",
    ),
    *(
        "check_throttles",
        "get_throttles",
        "perform_content_negotiation",
        "get_content_negotiator",
        "get_renderers",
    ),
    *("get_renderer_context", "get_format_suffix", "determine_version"),
)
_ACCEPTED: Final = frozenset({"*/*", "application/*", "application/json"})
_LONGEST_ACCEPT: Final = 200
_RENDERER: Final = JSONRenderer()


class LeanView(APIView):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._is_plain = not options and _is_plain(type(self))  # type: ignore[arg-type]  # classes hash

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        handler = getattr(self, str(request.method).lower(), None)
        operation = getattr(handler, "operation", None)
        if operation is None or not self._is_plain or not _is_plain_request(request):
            return super().dispatch(request, *args, **kwargs)
        self.args, self.kwargs = args, kwargs
        # Only bodies are read through DRF's request.
        self.request = request if operation.body is None else self.initialize_request(request)
        try:
            response = handler(self.request, *args, **kwargs)  # type: ignore[misc]  # it has an operation
        except Exception as error:  # noqa: BLE001  (raised again when nothing answers it)
            response = self._answer_to(error, request)
        if isinstance(response, Response):
            made: Any = response
            made.accepted_renderer, made.accepted_media_type = _RENDERER, _RENDERER.media_type
            made.renderer_context = {"view": self, "request": self.request}
        response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def _answer_to(self, error: Exception, request: HttpRequest) -> HttpResponseBase:
        if self.request is request:
            self.request = self.initialize_request(request)
        self.request.accepted_renderer, self.request.accepted_media_type = _RENDERER, _RENDERER.media_type
        return self.handle_exception(error)


@cache
def _is_plain(view: type[APIView]) -> bool:
    """Whether the view's steps before and after its method are DRF's, and its classes those of every operation."""
    return (
        all(list(getattr(view, name)) == plain for name, plain in _PLAIN.items())
        and all(getattr(view, name) is getattr(APIView, name) for name in _STEPS)
        and view.content_negotiation_class is DefaultContentNegotiation
        and view.versioning_class is None
        and api_settings.URL_FORMAT_OVERRIDE is None
    )


def _is_plain_request(request: HttpRequest) -> bool:
    """Whether a guard has admitted the request, and it surely accepts JSON."""
    accept: str = request.META.get("HTTP_ACCEPT", "*/*")
    return (
        getattr(request, "zone", None) is not None
        and getattr(request, "caller", None) is not None
        and len(accept) <= _LONGEST_ACCEPT
        and any(offered.partition(";")[0].strip() in _ACCEPTED for offered in accept.split(","))
    )
