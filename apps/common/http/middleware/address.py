"""Refuses requests by their address: another host's, plain HTTP where TLS is required, and text that is none.

Text that is none are bytes that are no UTF-8 (lone surrogates among them), and U+0000. In a query string Django would
put U+FFFD for the former; in a path it leaves them percent-encoded, as no route has them. U+0000 it hands on, for each
look-up and file system behind to trip over. Bodies are judged by their parsers.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from apps.common.http.middleware.paths import PROBES, is_api
from apps.common.http.problems import problem_response


class AddressMiddleware:
    """400 for a host that is not allowed, a path or a query string that is not text; 403 for the API without TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._tls_only: bool = settings.SECURE_SSL_REDIRECT

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Judge the address. Raises DisallowedHost, which Django answers with a 400."""
        if request.path in PROBES:
            return self._get_response(request)
        request.get_host()
        if self._tls_only and is_api(request.path) and not request.is_secure():
            return problem_response(
                status=403, code="tls_required", detail="The API is reached over HTTPS only."
            )
        # Look only where there can be something: most addresses are plain ASCII.
        query: str = request.META.get("QUERY_STRING", "")
        if "\x00" in request.path:
            return _refused("path")
        if ("%" in query or "\x00" in query or not query.isascii()) and not _is_text(
            unquote_to_bytes(query.encode("latin-1", "replace"))
        ):
            return _refused("query string")
        return self._get_response(request)


def _is_text(raw: bytes) -> bool:
    try:
        return "\x00" not in raw.decode()
    except UnicodeDecodeError:
        return False


def _refused(part: str) -> HttpResponseBase:
    return problem_response(
        status=400, code="bad_request", detail=f"The {part} is not text in UTF-8, or contains U+0000."
    )
