"""Registers the app, its checks, its authenticator and the zones' CORS rule."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """`apps.api`, labelled `api`."""

    name = "apps.api"
    label = "api"

    def ready(self) -> None:
        """Connect what is needed before URLs are mounted."""
        from apps.api.authentication import authenticate_service
        from apps.api.zones import checks, cors
        from apps.common.http.authentication import register_authenticator

        checks.register()
        cors.connect()
        register_authenticator("service", authenticate_service, challenge="Api-Key")
