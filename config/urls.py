"""The URL root: pages of slices (the console at `/`), the admin site, probes, the zones below `/api/`.

Sockets, below `/ws/`, are routed in `config.asgi`; a request for them that arrives here is no handshake.
"""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from apps.api import problems
from apps.api.zones.mounting import api_urlpatterns
from apps.common import slices
from apps.common.http import health
from apps.common.sockets.problems import no_handshake

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/", include(api_urlpatterns())),
    re_path(r"^ws(?:/|$)", no_handshake),
    *(path("", include(module)) for _, module in slices.modules("pages")),
]
if "debug_toolbar" in settings.INSTALLED_APPS:
    urlpatterns.insert(0, path("__debug__/", include("debug_toolbar.urls")))

handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
