"""Registers the app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """`apps.chat`, labelled `chat`."""

    name = "apps.chat"
    label = "chat"
    needs = ("notifications", "users")
