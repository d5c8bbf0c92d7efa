"""Tickets, each for one connection (zone private)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.common.exceptions import Unavailable
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import services
from apps.users.types import Ticket


class TicketsView(View, tag="sessions"):
    class TicketOutput(serializers.Serializer[Any]):
        """A ticket, which is not shown again."""

        ticket = serializers.CharField(help_text="For `?ticket=` of one socket or event stream.")
        expires_in = serializers.IntegerField(help_text="In seconds.")

    @operation(
        "tickets_create",
        "Create a ticket for one connection",
        answers={201: TicketOutput},
        failures=[Unavailable],
    )
    def post(self, request: ApiRequest) -> Ticket:
        """Where a client can set no header, as with `WebSocket` and `EventSource` in a browser, `?ticket=` opens one
        socket or event stream within 30 seconds. The connection ends with the session of this call's token."""
        return services.issue_ticket(actor=request.caller)
