"""Registers the app."""

from django.apps import AppConfig


class RemovedConfig(AppConfig):
    """`apps.removed`, labelled `removed`."""

    name = "apps.removed"
    label = "removed"
    needs = ("users",)
