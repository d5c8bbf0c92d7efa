"""The URL root: pages of slices (the console at `/`), the admin site, probes, and the zones below `/api/`."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

from apps.api import problems
from apps.api.zones.mounting import api_urlpatterns
from apps.api.zones.routes import installed
from apps.common.http import health

# A slice that shows pages of its own, outside the zones, lists them in its `pages.py`.
_pages = [f"{slice_.package}.pages" for slice_ in installed()]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/", include(api_urlpatterns())),
    *(path("", include(module)) for module in _pages if find_spec(module)),
]

handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
