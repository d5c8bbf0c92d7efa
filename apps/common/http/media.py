"""File responses with range and conditional requests, and the view of uploads on local disk.

`media` is the view of `make run` and of tests. In production, nginx serves uploads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any, Final

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import parse_http_date_safe
from django.views.decorators.http import require_safe
from django.views.static import serve

from apps.common.exceptions import DomainError

# Browsers display uploads and never execute them.
_POLICY: Final = "default-src 'none'; img-src 'self'; style-src 'none'; sandbox"
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
_BLOCK: Final = 64 * 1024


class RangeNotSatisfiable(DomainError):
    """The requested range is beyond the end of the file."""

    code = "range_not_satisfiable"
    detail = "The file is shorter than that."

    def __init__(self, size: int) -> None:
        super().__init__()
        self.headers = {"Content-Range": f"bytes */{size}"}


def partial(request: HttpRequest, response: FileResponse) -> HttpResponseBase:
    """The requested range of a file (RFC 9110, section 14), or the whole file for several ranges.

    Compares `If-Range`, `If-None-Match` and `If-Modified-Since` with the ETag and Last-Modified of the response.
    Raises RangeNotSatisfiable.
    """
    file = response.file_to_stream
    assert file is not None  # a FileResponse of a file
    response.headers["Accept-Ranges"] = "bytes"
    etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
    since = None if modified is None else parse_http_date_safe(modified)
    whole: Any = response  # only its headers are read
    answer = get_conditional_response(request, etag=etag, last_modified=since, response=whole)
    if answer is not None and answer is not whole:  # 304 or 412
        file.close()  # closing the response would end the request
        return answer
    size = int(response.headers["Content-Length"])
    asked = _RANGE.fullmatch(request.headers.get("Range", "").strip()) if request.method == "GET" else None
    if asked is None or not any(asked.groups()) or not _is_current(request, etag, modified):
        return response
    first, last = _span(asked[1], asked[2], size)
    if first > last:
        if asked[1] and asked[2] and int(asked[1]) > int(asked[2]):
            return response  # an invalid range is ignored
        file.close()
        raise RangeNotSatisfiable(size)
    file.seek(first)
    response.status_code = 206
    response.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    response.headers["Content-Length"] = str(last - first + 1)
    response.streaming_content = _blocks(file, last - first + 1)
    return response


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """The first and the last byte; first > last for an empty range."""
    if not first:  # the last bytes
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _is_current(request: HttpRequest, etag: str | None, modified: str | None) -> bool:
    """Whether `If-Range` matches this file; weak validators never match (RFC 9110, section 13.1.5)."""
    validator = request.headers.get("If-Range")
    return validator is None or (validator == (etag if validator.startswith('"') else modified))


def _blocks(file: IO[bytes], left: int) -> Iterator[bytes]:
    while left > 0 and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        yield block


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """The uploaded file, or a range of it. Raises Http404 for a path without a file or outside of the folder."""
    response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    try:
        answer = partial(request, response) if isinstance(response, FileResponse) else response
    except RangeNotSatisfiable as error:
        answer = HttpResponse(status=416, headers=error.headers)
    answer.headers["Content-Security-Policy"] = _POLICY
    # A browser that opens the address saves the file; pages can still display it.
    answer.headers["Content-Disposition"] = "attachment"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer
