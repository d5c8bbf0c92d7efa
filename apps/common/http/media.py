"""Serves uploads from local disk where no nginx does: `make run` and the tests. Production never mounts it."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.static import serve

# Whatever somebody managed to upload: it is looked at, never run.
_POLICY: Final = "default-src 'none'; img-src 'self'; style-src 'none'; sandbox"


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """The uploaded file. Raises Http404 when there is none or the path leads elsewhere."""
    response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    response.headers["Content-Security-Policy"] = _POLICY
    # A browser that is led here by a link saves it; pages show it all the same.
    response.headers["Content-Disposition"] = "attachment"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
