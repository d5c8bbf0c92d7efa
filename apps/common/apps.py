"""Registers the app."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """`apps.common`, labelled `common`."""

    name = "apps.common"
    label = "common"
