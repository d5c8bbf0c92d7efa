"""Pages outside the zones: the favicon, and uploads on local disk where nginx does not serve them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.http import require_safe

from apps.common.http.media import media


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """`GET /favicon.ico`, for pages that name no icon, such as those of the admin site."""
    return HttpResponseRedirect(
        static("common/favicon.ico"), headers={"Cache-Control": "public, max-age=86400"}
    )


urlpatterns = [path("favicon.ico", favicon, name="favicon")]
if settings.SERVE_MEDIA:
    urlpatterns.append(path("media/<path:path>", media, name="media"))
