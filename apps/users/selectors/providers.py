"""External providers of sign-in, and the identities that are linked to accounts."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from apps.users import exceptions
from apps.users.models import Identity, User
from infrastructure import oauth


def list_providers() -> list[oauth.Provider]:
    """The providers of OIDC_PROVIDERS, in its order."""
    return list(_providers().values())


def get_provider(name: str) -> oauth.Provider:
    """Raises ProviderUnknown."""
    try:
        return _providers()[name]
    except KeyError:
        raise exceptions.ProviderUnknown from None


def _providers() -> dict[str, oauth.Provider]:
    return oauth.providers(settings.OIDC_PROVIDERS, site=settings.PUBLIC_URL)


def list_identities(*, user: User) -> QuerySet[Identity]:
    """The linked identities of an account, the newest first."""
    return Identity.objects.filter(user=user).order_by("-created_at", "-id")
