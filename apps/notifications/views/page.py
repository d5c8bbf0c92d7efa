"""A page with one button. The link of a mail only asks: programs that look at links in mails end nobody's digests."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.notifications import services
from apps.notifications.exceptions import LinkUnusable

TEMPLATE = "notifications/unsubscribe.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """GET asks, POST does it; 400 for a link that does not hold."""
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
