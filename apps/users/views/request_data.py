"""What views of this slice read from a request: validated input, the caller, and the device."""

from __future__ import annotations

from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.serializers import Serializer

from apps.common.http.client_address import client_address
from apps.users.types import Device

_S = TypeVar("_S", bound=Serializer[Any])


def body(serializer: type[_S], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """The validated body. Raises DRF's ValidationError."""
    return _validated(serializer(data=request.data, partial=partial))


def query(serializer: type[_S], request: Request) -> dict[str, Any]:
    """The validated query string. Raises DRF's ValidationError."""
    return _validated(serializer(data=request.query_params))


def device(request: Request) -> Device:
    """Where the request comes from."""
    agent = request._request.META.get("HTTP_USER_AGENT", "")
    return Device(
        address=client_address(request._request),
        user_agent="".join(sign for sign in agent if sign.isprintable()),
    )


def _validated(serializer: Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data
