"""Registers the app."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """`apps.notifications`, labelled `notifications`."""

    name = "apps.notifications"
    label = "notifications"
    needs = ("users",)
