"""Registers the app, and how people prove who they are."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """`apps.users`, labelled `users`: accounts, sign-ins, tokens, roles."""

    name = "apps.users"
    label = "users"

    def ready(self) -> None:
        """Offer the authenticators "bearer" and "session" to the zone table.

        Raises WeakKeyError for a key ring that could not sign: better now than at the first sign-in.
        """
        from apps.users import authentication
        from infrastructure import token

        token.access_tokens()
        authentication.register()
