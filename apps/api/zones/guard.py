"""The guard around every callback of a zone: authentication, admission, rate limits, then the view.

It wraps the view from outside, so no declaration of a view (AllowAny, no authentication classes, no DRF at all) can widen
the zone. Everything that is the same for each request is computed once, when the zone is mounted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any

import structlog
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.module_loading import import_string

from apps.api import problems
from apps.api.zones.endpoints import methods_of
from apps.api.zones.rate_limits import limits_of
from apps.api.zones.table import Floor, Version, Zone
from apps.api.zones.versions import version_headers
from apps.common.callers import ANONYMOUS, Caller, CallerKind
from apps.common.exceptions import (
    Denied,
    DomainError,
    NotAuthenticated,
    SecondFactorRequired,
    TooManyRequests,
    Unavailable,
)
from apps.common.http import idempotency
from apps.common.http.authentication import Authenticator, authenticator
from infrastructure.telemetry import context, metrics

View = Callable[..., HttpResponseBase]
_REFUSED = frozenset({401, 403, 429})
_log = structlog.get_logger(__name__)


def identify(request: HttpRequest, authenticators: tuple[Authenticator, ...]) -> Caller:
    """The caller of the first authenticator that recognises one. Raises NotAuthenticated for an invalid credential."""
    for authenticate in authenticators:
        caller = authenticate(request)
        if caller is not None:
            return caller
    return ANONYMOUS


def require_floor(floor: Floor, caller: Caller) -> None:
    """Raises NotAuthenticated for an unknown caller, Denied for one that the zone does not admit."""
    if floor is Floor.ANYONE:
        return
    if caller.kind is CallerKind.ANONYMOUS:
        raise NotAuthenticated
    if floor is Floor.USER:
        admitted = caller.is_user
    elif floor is Floor.SERVICE:
        admitted = caller.kind is CallerKind.SERVICE
    else:
        admitted = caller.is_admin
        if caller.lacks_second_factor:
            raise SecondFactorRequired
    if not admitted:
        raise Denied


def refuse(request: HttpRequest, zone: Zone, error: DomainError) -> HttpResponse:
    """The answer to a refused call, logged and counted by zone."""
    note_refusal(zone, error.code)
    return problems.of_domain(request, error)


def note_refusal(zone: Zone, code: str) -> None:
    """Log and count a refused call, by the guard or by a view with further permissions."""
    metrics.ZONE_REFUSED.labels(zone.name, code).inc()
    _log.info("zone_refused", zone=zone.name, code=code)


class Guard:
    """The guard of one version of one zone. Raises KeyError when the zone names an unknown authenticator."""

    def __init__(self, zone: Zone, version: Version) -> None:
        self.zone = zone
        self.version = version
        self._authenticators = tuple(authenticator(name) for name in zone.authentication)
        self._limits = limits_of(zone)
        self._hooks = tuple(import_string(name) for name in reversed(zone.middleware))
        self._headers = version_headers(zone, version)

    def protect(self, view: Callable[..., Any]) -> View:
        """Wrap a view, with the attributes that DRF and the schema read (`cls`, `actions`, `initkwargs`)."""
        inner: View = async_to_sync(view) if iscoroutinefunction(view) else view
        headers = self._headers
        further = getattr(getattr(view, "cls", None), "further_authentication", ())
        authenticators = (*self._authenticators, *map(authenticator, further))

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            call = partial(_call, inner, request, args, kwargs)
            response = self._answer(request, view, authenticators, call)
            for name, value in headers:
                response.headers.setdefault(name, value)
            return response

        # The mark of a coroutine, which a class of async methods sets, was copied with the other attributes.
        for mark in ("_is_coroutine", "_is_coroutine_marker"):  # up to Python 3.11, and since
            vars(guarded).pop(mark, None)
        # Zones read no cookies, so a forged form has no credentials to use.
        guarded.csrf_exempt = True  # type: ignore[attr-defined]
        guarded.guard = self  # type: ignore[attr-defined]
        return guarded

    def _answer(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        authenticators: tuple[Authenticator, ...],
        call: Callable[[], HttpResponseBase],
    ) -> HttpResponseBase:
        request.zone = self.zone  # type: ignore[attr-defined]
        request.caller = ANONYMOUS  # type: ignore[attr-defined]
        shown: dict[str, str] = {}
        try:
            caller = self._admit(request, authenticators, shown)
        except (NotAuthenticated, Denied, TooManyRequests, Unavailable) as error:
            return _with_limits(refuse(request, self.zone, error), shown)
        request.caller = caller  # type: ignore[attr-defined]
        for hook in self._hooks:
            call = partial(hook, request, call)
        try:
            # A method that the view lacks is refused with 405, even if the key was used before.
            if "HTTP_IDEMPOTENCY_KEY" in request.META and request.method in methods_of(view):
                response = idempotency.run(request, caller, call)
            else:
                response = call()
        except DomainError as error:  # the idempotency key's own, or a hook's
            response = problems.of_domain(request, error)
        if response.status_code in _REFUSED:
            note_refusal(self.zone, getattr(response, "problem_code", ""))
        return _with_limits(response, shown)

    def _admit(
        self, request: HttpRequest, authenticators: tuple[Authenticator, ...], shown: dict[str, str]
    ) -> Caller:
        """Return the caller, if admitted; headers about limits go into `shown`.

        Refused requests count as well: for the caller if known, otherwise for the address.
        """
        caller = ANONYMOUS
        try:
            caller = identify(request, authenticators)
            require_floor(self.zone.floor, caller)
        except (NotAuthenticated, Denied):
            if caller.is_authenticated:
                # The refused caller; `caller` itself stays empty for views and the log until admission.
                context.bind(refused=caller.throttle_key(""))
                shown.update(self._limits.count_call(request, caller))
            else:
                shown.update(self._limits.count_refusal(request))
            raise
        shown.update(self._limits.count_call(request, caller))
        return caller


def _with_limits(response: HttpResponseBase, shown: dict[str, str]) -> HttpResponseBase:
    """The answer with the zone's limit appended to its own, if it has one."""
    for name, value in shown.items():
        own = response.headers.get(name)
        response.headers[name] = f"{own}, {value}" if own else value
    return response


def _call(
    view: View, request: HttpRequest, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> HttpResponseBase:
    """The view's answer; exceptions and error responses become problem documents, except internal errors."""
    try:
        response = view(request, *args, **kwargs)
    except Exception as error:
        known = problems.from_exception(request, error)
        if known is None:
            raise
        return known
    return (
        problems.as_problem(request, response) if response.status_code >= HTTPStatus.BAD_REQUEST else response
    )
