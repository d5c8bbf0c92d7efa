"""Problem documents for requests below `/ws/` that do not open a socket."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any, Final

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from apps.common import slices
from apps.common.exceptions import NotFound
from apps.common.http.problems import problem_response
from apps.common.sockets.types import Receive, Send
from infrastructure import problem_documents
from infrastructure.telemetry import context

_VERSION: Final = "13"


@csrf_exempt
def no_handshake(request: HttpRequest) -> HttpResponse:
    """Answers HTTP requests for a socket: 400 for an invalid handshake, else 426. Raises Http404 for other paths."""
    path = request.path_info.removeprefix("/")
    if not any(route.pattern.match(path) for route in _routes()):
        raise Http404
    upgrades = {name.strip().lower() for name in request.headers.get("Upgrade", "").split(",")}
    version = request.headers.get("Sec-WebSocket-Version", _VERSION)
    if "websocket" in upgrades and version == _VERSION:
        return problem_response(
            status=400,
            code="bad_request",
            detail="This is not a valid WebSocket handshake (RFC 6455, section 4.2.1).",
        )
    return problem_response(
        status=426,
        code="upgrade_required",
        detail=f"This address is a WebSocket, version {_VERSION} (RFC 6455).",
        headers={"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": _VERSION},
    )


async def no_such_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers a handshake for a path without a socket: 404."""
    await receive()
    await refuse(scope, receive, send, status=404, code=NotFound.code, detail=NotFound.detail)


async def refuse(
    scope: dict[str, Any], receive: Receive, send: Send, *, status: int, code: str, detail: str
) -> None:
    """Answer a handshake with a problem document, or with 403 on servers without `websocket.http.response`."""
    if "websocket.http.response" not in scope.get("extensions", ()):
        await send({"type": "websocket.close"})
        return
    request_id = context.request_id() or context.new_request_id()
    body = orjson.dumps(
        problem_documents.document(status=status, code=code, detail=detail, request_id=request_id)
    )
    headers = problem_documents.headers(body=body, request_id=request_id)
    await send({"type": "websocket.http.response.start", "status": HTTPStatus(status), "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
    # Wait until socket and connection are closed: uvicorn logs an error for an application that returns earlier.
    for _ in range(2):
        await receive()


@cache
def _routes() -> list[Any]:
    return [route for _, module in slices.modules("routing") for route in module.websocket_urlpatterns]
