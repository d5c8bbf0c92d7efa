"""Unsubscription from digests: an operation of zone public, and a page with one button.

The link in a mail leads to the page, so that programs that follow links in mails unsubscribe no user.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import FormParser

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.common.http.parsers import StrictJSONParser
from apps.notifications import services
from apps.notifications.exceptions import LinkUnusable

TEMPLATE: Final = "notifications/unsubscribe.html"
_TOKEN_LENGTH: Final = 200


class OneClickParser(FormParser):
    """Mail programs post a form to the URL of the mail's header (RFC 8058), with the token in the query."""

    is_documented = False


class UnsubscribeView(View, tag="Notifications"):
    parser_classes = (StrictJSONParser, OneClickParser)

    class UnsubscribeInput(fields.Input):
        """The token of a digest's link."""

        token = fields.TextField(max_length=_TOKEN_LENGTH)

        def to_internal_value(self, data: Any) -> Any:
            """Reads the token from the query, else from the body."""
            query = self.context["request"].GET if "request" in self.context else {}
            return super().to_internal_value(query if "token" in query else data)

    @operation(
        "notifications_unsubscribe",
        "Unsubscribe from digests with the token of a link",
        body=UnsubscribeInput,
        answers={204: "No more digests."},
        failures=[LinkUnusable],
        parameters=[
            OpenApiParameter(
                "token",
                {"type": "string", "minLength": 1, "maxLength": _TOKEN_LENGTH},
                description="Instead of the one in the body.",
            )
        ],
    )
    def post(self, request: ApiRequest, *, token: str) -> None:
        """Repeating it has no further effect."""
        services.unsubscribe(token=token)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """GET shows the button, POST unsubscribes; 400 for an invalid link."""
    token = (request.POST if request.method == "POST" else request.GET).get("token", "")
    if services.read_unsubscribe_token(token) is None:
        return render(request, TEMPLATE, {"state": "unusable"}, status=400)
    if request.method != "POST":
        return render(request, TEMPLATE, {"state": "asking", "token": token})
    try:
        services.unsubscribe(token=token)
    except LinkUnusable:
        return render(request, TEMPLATE, {"state": "unusable"}, status=400)
    return render(request, TEMPLATE, {"state": "done"})
