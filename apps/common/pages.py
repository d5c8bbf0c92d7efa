"""Pages outside the zones that every installation has: the icon, and uploads on local disk where no nginx serves them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.http import require_safe

from apps.common.http.media import media


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """`GET /favicon.ico`: browsers request it for every page that names no icon, such as the admin site's."""
    return HttpResponseRedirect(
        static("common/favicon.ico"), headers={"Cache-Control": "public, max-age=86400"}
    )


urlpatterns = [path("favicon.ico", favicon, name="favicon")]
if settings.SERVE_MEDIA:
    urlpatterns.append(path("media/<path:path>", media, name="media"))
