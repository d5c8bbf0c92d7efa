"""Registers the app."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """`apps.users`, labelled `users`."""

    name = "apps.users"
    label = "users"
