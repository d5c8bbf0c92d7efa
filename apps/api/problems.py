"""Problem documents (RFC 9457) for every failure below `/api/`.

Domain exceptions are translated by their kind, DRF's and Django's by their class. `error_codes` lists the meaning of each
code; the raising module chooses the code of a domain failure.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.views import defaults
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.exceptions import Throttled as RestThrottled

from apps.common import exceptions, rate_limits
from apps.common.exceptions import DomainError, FieldError
from apps.common.http.media import RangeNotSatisfiable
from apps.common.http.middleware import is_api
from apps.common.http.problems import problem_response
from apps.common.rate_limits import Quota
from infrastructure import lazy_import
from infrastructure.problem_documents import CONTENT_TYPE
from infrastructure.storage import StorageUnavailable

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_import.module("redis")

STATUS_OF_KIND: dict[type[DomainError], int] = {
    exceptions.InvalidInput: 400,
    exceptions.NotAuthenticated: 401,
    exceptions.Denied: 403,
    exceptions.NotFound: 404,
    exceptions.Conflict: 409,
    exceptions.Gone: 410,
    RangeNotSatisfiable: 416,
    exceptions.Unprocessable: 422,
    exceptions.TooManyRequests: 429,
    exceptions.Unavailable: 503,
}
_TOO_BIG = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
# DRF's codes that this API names otherwise.
_RENAMED = {
    "invalid": "invalid_input",
    "throttled": "too_many_requests",
    "authentication_failed": "not_authenticated",
}
_log = structlog.get_logger(__name__)


def status_of(failure: type[DomainError]) -> int:
    """The status of a domain failure: that of its nearest kind, 400 for one without a kind."""
    for base in failure.__mro__:
        if base in STATUS_OF_KIND:
            return STATUS_OF_KIND[base]
    return 400


def problem(
    request: HttpRequest,
    status: int,
    code: str,
    detail: str,
    errors: Iterable[FieldError] = (),
    *,
    retry_after: int | None = None,
) -> HttpResponse:
    """A problem document, with the headers that its status requires."""
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED:
        zone = getattr(request, "zone", None)
        headers["WWW-Authenticate"] = zone.challenge if zone is not None else "Bearer"
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, retry_after))
    listed = [{"field": error.field, "code": error.code, "detail": error.detail} for error in errors]
    return problem_response(
        status=status, code=code, detail=detail, headers=headers, extra={"errors": listed} if listed else None
    )


def of_domain(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The problem document of a domain failure: its kind's status, its own code and text, the limit that it met."""
    response = problem(
        request,
        status_of(type(error)),
        error.code,
        error.detail,
        error.errors,
        retry_after=getattr(error, "retry_after", None),
    )
    for name, value in getattr(error, "headers", {}).items():
        response.headers[name] = value
    quota: Quota | None = getattr(error, "quota", None)
    if quota is not None:
        for name, value in rate_limits.headers(quota).items():
            response.headers[name] = value
    return response


def from_exception(request: HttpRequest, error: BaseException) -> HttpResponse | None:
    """The problem document of a failure, or None for an internal error."""
    match error:
        case DomainError():
            return of_domain(request, error)
        case APIException():
            return _from_rest(request, error)
        case Http404():
            return problem(request, 404, "not_found", exceptions.NotFound.detail)
        case PermissionDenied():
            return problem(request, 403, "permission_denied", exceptions.Denied.detail)
        case _ if isinstance(error, _TOO_BIG):
            return problem(request, 413, "payload_too_large", "The request body is too large.")
        case SuspiciousOperation() | UnreadablePostError():
            return problem(request, 400, "bad_request", "The request is malformed.")
        case DataError():
            # A value that passed validation and does not fit its column.
            _log.warning("value_refused_by_database", exc_info=error)
            return problem(request, 400, "invalid_input", "A value is out of range.")
        case StorageUnavailable():
            return problem(request, 503, "unavailable", str(error), retry_after=error.retry_after)
        case OperationalError() | InterfaceError() | redis.ConnectionError() | redis.TimeoutError():
            _log.error("dependency_unavailable", cause=type(error).__name__, exc_info=error)
            return problem(request, 503, "unavailable", exceptions.Unavailable.detail, retry_after=2)
        case _:
            return None


def _from_rest(request: HttpRequest, error: APIException) -> HttpResponse:
    if isinstance(error, ValidationError):
        return problem(
            request,
            error.status_code,
            "invalid_input",
            exceptions.InvalidInput.detail,
            _flatten(error.detail),
        )
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else error.default_code
    retry_after = None
    if isinstance(error, RestThrottled):
        retry_after = math.ceil(getattr(error, "wait", None) or 1)
    code = _RENAMED.get(code, code)
    detail = str(error.detail)
    if detail == str(error.default_detail):
        # A generic text: each code has one.
        detail = _DETAIL_OF_CODE.get(code, detail)
    return problem(request, error.status_code, code, detail, retry_after=retry_after)


def _flatten(detail: Any, path: str = "") -> Iterator[FieldError]:
    """DRF's nested errors as one list; positions and nested fields are joined with dots."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, ".".join(filter(None, (path, name))))
    elif isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        for position, item in enumerate(detail):
            # A list of texts is several faults of one field; a list with structure is a field of many items.
            yield from _flatten(item, ".".join(filter(None, (path, str(position)))) if nested else path)
    else:
        yield FieldError(field=path, code=getattr(detail, "code", "invalid"), detail=str(detail))


def as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """A plain view's error response as a problem document with the same status and headers."""
    if response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
        return response
    status = response.status_code
    code = _CODE_OF_STATUS.get(
        status, "error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal_error"
    )
    replaced = problem(request, status, code, _DETAIL_OF_CODE.get(code, DomainError.detail))
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in response.headers:
            replaced.headers[name] = response.headers[name]
    replaced.cookies = response.cookies
    return replaced


_CODE_OF_STATUS = {
    400: "bad_request",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    410: "gone",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "unprocessable",
    429: "too_many_requests",
    503: "unavailable",
}
_DETAIL_OF_CODE = {
    "bad_request": "The request is malformed.",
    "method_not_allowed": "This method is not offered here; see the Allow header.",
    "not_acceptable": "None of the accepted media types is offered.",
    "payload_too_large": "The request body is too large.",
    "unsupported_media_type": "This media type is not read here.",
    "internal_error": "Something went wrong on our side. Name the request id when you report it.",
    **{kind.code: kind.detail for kind in STATUS_OF_KIND},
}


def _page_of(known: HttpResponse) -> HttpResponse:
    """A page for browsers outside of the API."""
    page = "<!doctype html><title>Unavailable</title><h1>Unavailable</h1><p>Something that this page needs is away. Try again in a moment."
    return HttpResponse(
        page,
        status=known.status_code,
        headers={"Retry-After": known.headers["Retry-After"], "Cache-Control": "no-store"},
    )


def exception_handler(error: Exception, drf_context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER. None lets the exception propagate: Django logs it once and calls `server_error`."""
    request: HttpRequest = drf_context["request"]._request
    return from_exception(request, error)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    _log.warning("suspicious_request", cause=type(exception).__name__)
    if not is_api(request.path_info):
        return defaults.bad_request(request, exception)
    return from_exception(request, exception) or problem(
        request, 400, "bad_request", _DETAIL_OF_CODE["bad_request"]
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    if not is_api(request.path_info):
        return defaults.permission_denied(request, exception)
    return problem(request, 403, "permission_denied", exceptions.Denied.detail)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if not is_api(request.path_info):
        return defaults.page_not_found(request, exception)
    return problem(request, 404, "not_found", exceptions.NotFound.detail)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is being handled. Logs internal errors, once."""
    error = sys.exc_info()[1]
    below_api = is_api(request.path_info)
    known = from_exception(request, error) if error is not None else None
    if known is not None and (below_api or known.status_code == HTTPStatus.SERVICE_UNAVAILABLE):
        return known if below_api else _page_of(known)
    _log.error("unexpected_error", path=request.path_info, exc_info=error)
    if not below_api:
        return defaults.server_error(request)
    return problem(request, 500, "internal_error", _DETAIL_OF_CODE["internal_error"])
