"""Registers the app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """`apps.api`, labelled `api`."""

    name = "apps.api"
    label = "api"
