"""The shape of an audited event."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class AuditEventOutput(serializers.Serializer[Any]):
    """One row of the audit log."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = serializers.UUIDField(
        source="actor_id",
        allow_null=True,
        help_text="The account that acted; null for the system and services.",
    )
    target = serializers.CharField(help_text="The kind of thing that it was done to.")
    target_id = serializers.CharField()
    network = serializers.CharField(
        help_text="Where the call came from: IPv4 /24, IPv6 /64; empty if unknown."
    )
    request_id = serializers.CharField()
    details = serializers.DictField(help_text="Ids and codes that the action is about.")
