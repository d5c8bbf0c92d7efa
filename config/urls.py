"""The URL root: the console at `/`, the admin site, probes, and the zones below `/api/`, mounted from their table."""

from django.contrib import admin
from django.urls import include, path

from apps.api import problems
from apps.api.mounting import api_urlpatterns
from apps.common import health
from apps.console.views import console

urlpatterns = [
    path("", console, name="console"),
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/", include(api_urlpatterns())),
]

handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
