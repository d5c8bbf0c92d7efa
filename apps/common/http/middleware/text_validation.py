"""Refuses addresses whose text is none: bytes that are no UTF-8 (lone surrogates among them), and U+0000.

In a query string Django would put U+FFFD for the former; in a path it leaves them percent-encoded, as no route has
them. U+0000 it hands on, for each look-up and file system behind to trip over. Bodies are judged by their parsers.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponseBase

from apps.common.http.problems import problem_response


class AddressTextMiddleware:
    """400 for a path or a query string that is not text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look only where there can be something: most addresses are plain ASCII."""
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
