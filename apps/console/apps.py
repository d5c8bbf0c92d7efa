"""Registers the app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """`apps.console`, labelled `console`."""

    name = "apps.console"
    label = "console"
