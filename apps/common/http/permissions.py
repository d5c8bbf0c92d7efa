"""DRF's permission here: the zone decides who may enter. A view that asks for more subclasses `ZoneFloor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # DRF's views import the default bricks, of which this is one
    from rest_framework.views import APIView


class ZoneFloor(BasePermission):
    """The default: whom the zone's guard let in may pass; a view that is mounted outside of every zone refuses."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether a guard ran for this request."""
        http: Any = request._request
        return getattr(http, "zone", None) is not None and getattr(http, "caller", None) is not None
