"""DRF's default permission. The zone's guard decides about access; a stricter view subclasses `ZoneFloor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # DRF's views import the default classes, among them this one
    from rest_framework.views import APIView


class ZoneFloor(BasePermission):
    """Allows requests that passed a zone's guard, and refuses those of views outside of all zones."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        http: Any = request._request
        return getattr(http, "zone", None) is not None and getattr(http, "caller", None) is not None
