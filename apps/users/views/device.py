"""The origin of a request, for sign-ins and their limits."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from apps.common import text
from apps.common.http.client_address import client_address
from apps.users.types import Device

_AGENT_LENGTH: Final = 1000


def device_of(request: HttpRequest) -> Device:
    """The client's address, and the printable part of its user agent."""
    agent = request.META.get("HTTP_USER_AGENT", "")
    return Device(
        address=client_address(request),
        user_agent=text.fit_line(agent, _AGENT_LENGTH),
    )
