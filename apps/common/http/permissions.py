"""DRF permission bricks. The zone decides who may enter; these can only narrow that for one view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.common.callers import ANONYMOUS, Caller, CallerKind

if TYPE_CHECKING:  # DRF's views import the default bricks, which are these
    from rest_framework.views import APIView


def caller_of(request: Request) -> Caller:
    """The caller that the zone's guard found; anonymous where no guard ran."""
    caller: Caller = getattr(request._request, "caller", ANONYMOUS)
    return caller


class ZoneFloor(BasePermission):
    """The default: what the zone's guard let in may pass; a view that is mounted outside of every zone refuses."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether a guard ran for this request."""
        http: Any = request._request
        return getattr(http, "zone", None) is not None and getattr(http, "caller", None) is not None


class IsUser(ZoneFloor):
    """A signed-in person."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is a user."""
        return super().has_permission(request, view) and caller_of(request).is_user


class IsService(ZoneFloor):
    """A service with a key."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is a service."""
        return super().has_permission(request, view) and caller_of(request).kind is CallerKind.SERVICE


class IsAdmin(ZoneFloor):
    """A signed-in person whose role opens the admin zone."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is an admin."""
        return super().has_permission(request, view) and caller_of(request).is_admin


class IsVerified(IsUser):
    """A signed-in person whose e-mail address is verified."""

    code = "email_not_verified"
    message = "Verify your e-mail address first."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is a user with a verified address."""
        return super().has_permission(request, view) and caller_of(request).user.email_verified_at is not None
