"""Representations of notifications that several views share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.notifications.models import Notification


class NotificationOutput(serializers.Serializer[Notification]):
    """A notification, with the field names of frames. `link` is a path of this site, or empty."""

    id = serializers.UUIDField()
    seq = serializers.IntegerField(help_text="Ascending without gaps for each user.")
    kind = serializers.CharField(help_text="Its kind, as `<slice>.<kind>`.")
    title = serializers.CharField()
    body = serializers.CharField()
    link = serializers.CharField()
    data = serializers.DictField(child=serializers.JSONField())  # type: ignore[assignment]  # a field's name
    at = serializers.DateTimeField(source="created_at")
    read = serializers.SerializerMethodField()

    def get_read(self, notification: Notification) -> bool:
        return notification.read_at is not None


class SummaryOutput(serializers.Serializer[Any]):
    """The number of unread notifications, and the number of the newest one."""

    unread = serializers.IntegerField()
    seq = serializers.IntegerField()
