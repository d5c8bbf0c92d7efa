"""The authenticators "bearer" (access tokens), "ticket" (`?ticket=`, for views that accept one) and "session".

The last one reads the admin site's cookie, for documentation pages only.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from apps.common.callers import Caller, CallerKind
from apps.common.exceptions import raises
from apps.common.http.authentication import register_authenticator
from apps.users import exceptions, selectors, services

SCHEME: Final = "bearer"


@raises(exceptions.AccessTokenRefused, exceptions.AccessTokenExpired, exceptions.SessionEnded)
def authenticate_bearer(request: HttpRequest) -> Caller | None:
    """The caller of `Authorization: Bearer <token>` (RFC 6750); None without one.

    Raises AccessTokenRefused, AccessTokenExpired, SessionEnded.
    """
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != SCHEME:
        return None
    token = token.strip()
    if not token:
        raise exceptions.AccessTokenRefused
    return selectors.authenticate_access(token=token)


def authenticate_ticket(request: HttpRequest) -> Caller | None:
    """The caller of `?ticket=`, which this consumes; None without one.

    Raises TicketRefused, SessionEnded, Unavailable.
    """
    ticket = request.GET.get("ticket")
    if ticket is None:
        return None
    reference = services.redeem_ticket(ticket=ticket)
    if reference is None:
        raise exceptions.TicketRefused
    return selectors.authenticate_session(reference=reference)


def authenticate_session(request: HttpRequest) -> Caller | None:
    """The caller who is signed in to the admin site; None for others."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return Caller(kind=CallerKind.USER, user=user)


def register() -> None:
    register_authenticator("bearer", authenticate_bearer)
    register_authenticator("ticket", authenticate_ticket)
    register_authenticator("session", authenticate_session)
