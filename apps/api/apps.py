"""Registers the app, its checks, its authenticator and the zones' CORS rule."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """`apps.api`, labelled `api`."""

    name = "apps.api"
    label = "api"

    def ready(self) -> None:
        """Connect what has to be there before URLs are mounted."""
        from apps.api import checks, cors
        from apps.api.authentication import authenticate_service
        from apps.common.authentication import register_authenticator

        checks.register()
        cors.connect()
        register_authenticator("service", authenticate_service, challenge="Api-Key")
