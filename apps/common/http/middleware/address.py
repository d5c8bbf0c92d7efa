"""Refuses addresses with a foreign host, without required TLS, or with invalid text.

Invalid are bytes that are not UTF-8, and U+0000. Django replaces the former by U+FFFD in a query string, and keeps them
percent-encoded in a path, which then matches no route. It passes U+0000 to queries and file systems, which fail.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from apps.common.http.middleware import PROBES, is_api
from apps.common.http.problems import problem_response


class AddressMiddleware:
    """400 for a foreign host and for invalid text, 403 for API calls without TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._tls_only: bool = settings.SECURE_SSL_REDIRECT

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in PROBES:
            return self._get_response(request)
        request.get_host()  # raises DisallowedHost, which Django answers with 400
        if self._tls_only and is_api(request.path) and not request.is_secure():
            return problem_response(
                status=403, code="tls_required", detail="The API is reached over HTTPS only."
            )
        # Most addresses are plain ASCII and need no decoding.
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
