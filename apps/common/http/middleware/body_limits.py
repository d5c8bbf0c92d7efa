"""Refuses bodies that are too long, encoded or incomplete, before they are parsed."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from apps.common.http.problems import problem_response
from infrastructure.server.wsgi_bridge import PROBLEM

# The boundaries, headers and small fields of a form with a file.
FORM_OVERHEAD: Final = 65_536
_BLOCK: Final = 65_536


class BodyLimitMiddleware:
    """413 for a body over MAX_BODY_BYTES, or a multipart form over MAX_UPLOAD_BYTES and FORM_OVERHEAD.

    415 for a Content-Encoding, and the server's own answer to an incomplete body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        if PROBLEM in meta:
            return problem_response(**meta[PROBLEM])
        coding: str = meta.get("HTTP_CONTENT_ENCODING", "")
        if coding and not all(token.strip().lower() in ("", "identity") for token in coding.split(",")):
            return problem_response(
                status=415,
                code="unsupported_media_type",
                detail="Bodies with a Content-Encoding are not accepted.",
                headers={"Accept-Encoding": "identity"},
            )
        declared = meta.get("CONTENT_LENGTH")
        if declared:
            if not (declared.isascii() and declared.isdigit()):
                return problem_response(
                    status=400, code="bad_request", detail="Content-Length is not a number."
                )
            if int(declared) > (limit := _limit(meta)):
                return _too_large(limit)
        elif meta.get("HTTP_TRANSFER_ENCODING"):
            limit = _limit(meta)
            try:
                body = _read_bounded(meta["wsgi.input"], limit) if "wsgi.input" in meta else b""
            except OSError:  # gunicorn raises it for invalid chunks
                return problem_response(status=400, code="bad_request", detail="The body could not be read.")
            if body is None:
                return _too_large(limit)
            # Django reads as many bytes as declared: none of a chunked body.
            meta["CONTENT_LENGTH"] = str(len(body))
            request._stream = BytesIO(body)  # noqa: SLF001
        return self._get_response(request)


def _limit(meta: dict[str, Any]) -> int:
    if meta.get("CONTENT_TYPE", "").lower().startswith("multipart/form-data"):
        return int(settings.MAX_UPLOAD_BYTES) + FORM_OVERHEAD
    return int(settings.MAX_BODY_BYTES)


def _too_large(limit: int) -> HttpResponseBase:
    return problem_response(
        status=413,
        code="payload_too_large",
        detail=f"The body is larger than {limit} bytes.",
        # The rest of the body is not read, so the connection cannot be reused.
        headers={"Connection": "close"},
    )


def _read_bounded(stream: IO[bytes], limit: int) -> bytes | None:
    """The body, or None if it exceeds the limit."""
    blocks, size = [], 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > limit:
            return None
        blocks.append(block)
    return b"".join(blocks)
