"""Outside providers. Zone public: signing in with one. Zone private: linking one to one's account."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of
from apps.users import exceptions, selectors, serializers, services
from apps.users.models import Identity
from apps.users.types import ProviderReturn
from apps.users.views import request_data
from apps.users.views.public import SIGNED_IN, signed_in
from infrastructure import oauth

_DONE = OpenApiResponse(description="Done.")
_AWAY = (exceptions.ProviderUnknown, exceptions.ProviderUnavailable, exceptions.TooManyAttempts)


class Providers(APIView):
    """`auth/oidc/`."""

    @extend_schema(
        operation_id="auth_oidc",
        tags=["auth"],
        summary="The providers that people may sign in with",
        responses=serializers.ProvidersOutput,
    )
    def get(self, request: Request) -> Response:
        """200."""
        return Response(serializers.ProvidersOutput({"providers": list(oauth.providers().values())}).data)


class Start(APIView):
    """`auth/oidc/{provider}/start/`."""

    @extend_schema(
        operation_id="auth_oidc_start",
        tags=["auth"],
        summary="Begin to sign in with a provider",
        description="Send the browser to the address, and keep `flow` where only this browser has it.",
        request=None,
        responses=serializers.ProviderStartOutput,
    )
    @raises(*_AWAY)
    def post(self, request: Request, provider: str) -> Response:
        """200 with the address."""
        begun = services.begin_provider_sign_in(provider=provider, device=request_data.device(request))
        return Response(serializers.ProviderStartOutput(begun).data)


class Callback(APIView):
    """`auth/oidc/{provider}/callback/`."""

    @extend_schema(
        operation_id="auth_oidc_callback",
        tags=["auth"],
        summary="Sign in with what a provider sent the browser back with",
        description="Good once, whatever becomes of it. An address that has an account already never opens it.",
        request=serializers.ProviderReturnInput,
        responses=SIGNED_IN,
    )
    @raises(
        exceptions.ProviderSignInRefused, exceptions.ProviderEmailUnverified, exceptions.AccountExists, *_AWAY
    )
    def post(self, request: Request, provider: str) -> Response:
        """200 with the tokens of a new session; 202 with a challenge."""
        data = request_data.body(serializers.ProviderReturnInput, request)
        outcome = services.sign_in_with_provider(
            provider=provider, returned=ProviderReturn(**data), device=request_data.device(request)
        )
        return signed_in(outcome)


class Identities(ListAPIView[Identity]):
    """`users/me/identities/`."""

    serializer_class = serializers.IdentityOutput
    queryset = Identity.objects.none()

    def get_queryset(self) -> QuerySet[Identity]:
        """Those of the caller."""
        return selectors.list_identities(user=caller_of(self.request).user)

    @extend_schema(
        operation_id="users_me_identities", tags=["identities"], summary="Who opens one's account elsewhere"
    )
    def get(self, request: Request) -> Response:
        """200 with a page."""
        return self.list(request)


class LinkStart(APIView):
    """`users/me/identities/{provider}/start/`."""

    @extend_schema(
        operation_id="users_me_identities_start",
        tags=["identities"],
        summary="Begin to link a provider to one's account",
        request=None,
        responses=serializers.ProviderStartOutput,
    )
    @raises(*_AWAY)
    def post(self, request: Request, provider: str) -> Response:
        """200 with the address."""
        begun = services.begin_provider_sign_in(
            provider=provider, device=request_data.device(request), actor=caller_of(request)
        )
        return Response(serializers.ProviderStartOutput(begun).data)


class LinkCallback(APIView):
    """`users/me/identities/{provider}/callback/`."""

    @extend_schema(
        operation_id="users_me_identities_link",
        tags=["identities"],
        summary="Link a provider with what it sent the browser back with",
        request=serializers.ProviderReturnInput,
        responses={201: serializers.IdentityOutput},
    )
    @raises(exceptions.IdentityTaken, exceptions.ProviderSignInRefused, *_AWAY)
    def post(self, request: Request, provider: str) -> Response:
        """201 with the identity."""
        data = request_data.body(serializers.ProviderReturnInput, request)
        identity = services.link_identity(
            actor=caller_of(request),
            provider=provider,
            returned=ProviderReturn(**data),
            device=request_data.device(request),
        )
        return Response(serializers.IdentityOutput(identity).data, status=status.HTTP_201_CREATED)


class OneIdentity(APIView):
    """`users/me/identities/{id}/`."""

    @extend_schema(
        operation_id="users_me_identities_unlink",
        tags=["identities"],
        summary="Unlink a provider from one's account",
        responses={204: _DONE},
    )
    @raises(exceptions.IdentityNotFound, exceptions.LastWayIn)
    def delete(self, request: Request, identity_id: UUID) -> Response:
        """204."""
        services.unlink_identity(actor=caller_of(request), identity_id=identity_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
