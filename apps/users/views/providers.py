"""Identity providers. Zone public: signing in. Zone private: linking one to an account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import Answer, ApiRequest, View, operation
from apps.users import exceptions, selectors, services
from apps.users.models import Identity
from apps.users.serializers import TOKEN_LENGTH, SecretField
from apps.users.types import ProviderReturn, ProviderStart
from apps.users.views.device import device_of
from apps.users.views.sign_in import SIGNED_IN, signed_in

_AWAY = (exceptions.ProviderUnknown, exceptions.ProviderUnavailable, exceptions.TooManyAttempts)


class ProviderOutput(serializers.Serializer[Any]):
    """A provider to sign in with."""

    name = serializers.CharField()
    title = serializers.CharField()


class ProvidersView(View, tag="auth"):
    class ProvidersOutput(serializers.Serializer[Any]):
        """The providers."""

        providers = ProviderOutput(many=True)

    @operation("auth_oidc", "List the providers to sign in with", answers=ProvidersOutput)
    def get(self, request: ApiRequest) -> dict[str, Any]:
        return {"providers": selectors.list_providers()}


class ProviderStartOutput(serializers.Serializer[Any]):
    """Send the browser to `authorization_url`; keep `flow` for when it comes back."""

    authorization_url = serializers.CharField()
    flow = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class ProviderReturnInput(fields.Input):
    """The parameters that the browser returned with, and the `flow` of the start."""

    flow = SecretField(max_length=TOKEN_LENGTH)
    code = SecretField(max_length=2048)
    state = SecretField(max_length=TOKEN_LENGTH)
    iss = SecretField(
        max_length=255, required=False, default="", allow_blank=True, help_text="As it came (RFC 9207)."
    )


class StartView(View, tag="auth"):
    @operation(
        "auth_oidc_start", "Start signing in with a provider", answers=ProviderStartOutput, failures=_AWAY
    )
    def post(self, request: ApiRequest, provider: str) -> ProviderStart:
        """Send the browser to the address, and keep `flow` where only this browser can read it."""
        return services.begin_provider_sign_in(provider=provider, device=device_of(request))


class CallbackView(View, tag="auth"):
    @operation(
        "auth_oidc_callback",
        "Finish signing in with a provider",
        body=ProviderReturnInput,
        answers=SIGNED_IN,
        failures=[
            exceptions.ProviderSignInRefused,
            exceptions.ProviderEmailUnverified,
            exceptions.AccountExists,
            *_AWAY,
        ],
    )
    def post(
        self, request: ApiRequest, provider: str, *, flow: str, code: str, state: str, iss: str
    ) -> Answer:
        """Works once, whether it succeeds or not. An address alone never signs in to an account that exists."""
        outcome = services.sign_in_with_provider(
            provider=provider,
            returned=ProviderReturn(flow=flow, code=code, state=state, iss=iss),
            device=device_of(request),
        )
        return signed_in(outcome)


class IdentityOutput(serializers.Serializer[Any]):
    """An identity at a provider that signs in to an account."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    subject = serializers.CharField(help_text="The provider's identifier of the user.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()


class IdentitiesView(View, tag="identities"):
    @operation("users_me_identities", "List the identities linked to your account", page=IdentityOutput)
    def get(self, request: ApiRequest) -> QuerySet[Identity]:
        return selectors.list_identities(user=request.caller.user)


class LinkStartView(View, tag="identities"):
    @operation(
        "users_me_identities_start",
        "Start linking a provider to your account",
        answers=ProviderStartOutput,
        failures=_AWAY,
    )
    def post(self, request: ApiRequest, provider: str) -> ProviderStart:
        return services.begin_provider_sign_in(
            provider=provider, device=device_of(request), actor=request.caller
        )


class LinkCallbackView(View, tag="identities"):
    @operation(
        "users_me_identities_link",
        "Finish linking a provider",
        body=ProviderReturnInput,
        answers={201: IdentityOutput},
        failures=[exceptions.IdentityTaken, exceptions.ProviderSignInRefused, *_AWAY],
    )
    def post(
        self, request: ApiRequest, provider: str, *, flow: str, code: str, state: str, iss: str
    ) -> Identity:
        return services.link_identity(
            actor=request.caller,
            provider=provider,
            returned=ProviderReturn(flow=flow, code=code, state=state, iss=iss),
            device=device_of(request),
        )


class IdentityView(View, tag="identities"):
    @operation(
        "users_me_identities_unlink",
        "Unlink a provider from your account",
        failures=[exceptions.IdentityNotFound, exceptions.LastWayIn],
    )
    def delete(self, request: ApiRequest, identity_id: UUID) -> None:
        services.unlink_identity(actor=request.caller, identity_id=identity_id)
