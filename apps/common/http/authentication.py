"""How a caller proves who they are: named authenticators, and the one DRF class that hands their verdict on.

A slice registers an authenticator under a name (`bearer`, `session`, `service`); a zone lists the names that it takes;
the zone guard runs them before any view. DRF never authenticates by itself here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.common.callers import Caller

Authenticator = Callable[[HttpRequest], Caller | None]
"""Returns the caller, or None when the request shows no credential of this kind.

Raises apps.common.exceptions.NotAuthenticated when it shows one that does not hold."""

_authenticators: dict[str, Authenticator] = {}
_challenges: dict[str, str] = {}


def register_authenticator(name: str, authenticate: Authenticator, *, challenge: str = "Bearer") -> None:
    """Offer `authenticate` to the zone table under `name`. Raises ValueError when another one has the name.

    `challenge` is what a 401 asks for in `WWW-Authenticate` (RFC 9110, section 11.6.1).
    """
    if _authenticators.setdefault(name, authenticate) is not authenticate:
        raise ValueError(f"Two authenticators are named {name!r}.")
    _challenges[name] = challenge


def challenge_of(name: str) -> str:
    """What a 401 asks for where this authenticator is taken."""
    return _challenges.get(name, "Bearer")


def authenticator(name: str) -> Authenticator:
    """The authenticator of that name. Raises KeyError when no app registered it."""
    return _authenticators[name]


def authenticator_names() -> frozenset[str]:
    """Every registered name, for the checks of the zone table."""
    return frozenset(_authenticators)


class GuardedAuthentication(BaseAuthentication):
    """Hands the guard's verdict to DRF: `request.user` is the account, `request.auth` the `Caller`."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """The guard's caller, or None when it is anonymous or when no guard ran."""
        caller: Caller | None = getattr(request._request, "caller", None)
        if caller is None or not caller.is_authenticated:
            return None
        return caller.user, caller

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401 (RFC 9110, section 11.6.1)."""
        return "Bearer"
