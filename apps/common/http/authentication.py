"""The registry of authenticators, and the default authentication and permission of DRF.

A slice registers an authenticator under a name (`bearer`, `session`, `service`); a zone lists the names that it accepts.
The zone's guard runs them before any view; DRF itself never authenticates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.common.callers import Caller

if TYPE_CHECKING:  # DRF's views import the default classes, among them these
    from rest_framework.views import APIView

Authenticator = Callable[[HttpRequest], Caller | None]
"""Returns the caller, or None for a request without such a credential. Raises NotAuthenticated for an invalid one."""

_authenticators: dict[str, Authenticator] = {}
_challenges: dict[str, str] = {}


def register_authenticator(name: str, authenticate: Authenticator, *, challenge: str = "Bearer") -> None:
    """Register an authenticator for the zone table. Raises ValueError for a name that is taken.

    `challenge` is the scheme of a 401 in `WWW-Authenticate` (RFC 9110, section 11.6.1).
    """
    if _authenticators.setdefault(name, authenticate) is not authenticate:
        raise ValueError(f"Two authenticators are named {name!r}.")
    _challenges[name] = challenge


def challenge_of(name: str) -> str:
    return _challenges.get(name, "Bearer")


def authenticator(name: str) -> Authenticator:
    """Raises KeyError for a name that is not registered."""
    return _authenticators[name]


def authenticator_names() -> frozenset[str]:
    return frozenset(_authenticators)


class GuardedAuthentication(BaseAuthentication):
    """Passes the guard's caller to DRF: `request.user` is the account, `request.auth` the `Caller`."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        caller: Caller | None = getattr(request._request, "caller", None)
        if caller is None or not caller.is_authenticated:
            return None
        return caller.user, caller

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ZoneFloor(BasePermission):
    """Allows requests that passed a zone's guard, and refuses those of views outside of all zones."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        http: Any = request._request
        return getattr(http, "zone", None) is not None and getattr(http, "caller", None) is not None
