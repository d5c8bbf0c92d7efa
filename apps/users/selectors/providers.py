"""The outside providers of sign-in, and what links an account to them."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from apps.users import exceptions
from apps.users.models import Identity, User
from infrastructure import oauth


def list_providers() -> list[oauth.Provider]:
    """Those of the setting OIDC_PROVIDERS, in its order."""
    return list(_providers().values())


def get_provider(name: str) -> oauth.Provider:
    """One of them. Raises ProviderUnknown."""
    try:
        return _providers()[name]
    except KeyError:
        raise exceptions.ProviderUnknown from None


def _providers() -> dict[str, oauth.Provider]:
    return oauth.providers(settings.OIDC_PROVIDERS, site=settings.PUBLIC_URL)


def list_identities(*, user: User) -> QuerySet[Identity]:
    """Who opens the account at outside providers, the newest first."""
    return Identity.objects.filter(user=user).order_by("-created_at", "-id")
