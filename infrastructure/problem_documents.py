"""Problem documents for bytes that never become a request of the application (too late, too long, no HTTP).

The shape is the application's own (RFC 9457), so that a client reads one kind of error.
"""

from __future__ import annotations

from http import HTTPStatus

import orjson

CONTENT_TYPE = "application/problem+json"


def title_of(code: str) -> str:
    """The code as words: `email_taken` is "Email taken"."""
    return code.replace("_", " ").capitalize()


def document(*, status: int, code: str, detail: str, request_id: str) -> dict[str, object]:
    """`{type, title, status, detail, code, request_id, errors}`."""
    return {
        "type": f"/api/problems/#{code}",
        "title": title_of(code),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        "errors": [],
    }


def headers(*, body: bytes, request_id: str) -> list[tuple[bytes, bytes]]:
    """The header fields of a refusal. The connection is closed, since what follows on it cannot be trusted."""
    return [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]


def message(*, status: int, code: str, detail: str, request_id: str) -> bytes:
    """The whole answer as bytes of HTTP/1.1."""
    body = orjson.dumps(document(status=status, code=code, detail=detail, request_id=request_id))
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in headers(body=body, request_id=request_id)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
