"""Signing in with an external provider, and linking one to an account. `infrastructure.oauth` implements the protocol.

An account is found by issuer and subject alone. An address that the provider has verified creates a new account; it never
grants access to an existing one, whose owner has to sign in and link: otherwise a provider, or a user who gets an address
there, could take over every account of that address.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.hashers import is_password_usable, make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.callers import Caller
from apps.common.database.ids import uuid7
from apps.users import email_addresses, exceptions, limits, selectors
from apps.users.events import IdentityLinked, IdentityUnlinked, UserRegistered
from apps.users.models import Identity, ProviderSignIn, User
from apps.users.services import names, sign_in
from apps.users.types import (
    AuditAction,
    Challenge,
    Device,
    ProviderReturn,
    ProviderStart,
    TokenPair,
)
from infrastructure import oauth, token

_log = structlog.get_logger("security")


def begin_provider_sign_in(
    *, provider: str, device: Device, actor: Caller | None = None, now: datetime | None = None
) -> ProviderStart:
    """Send a browser to a provider; with `actor`, to link an identity to their account.

    Raises ProviderUnknown, ProviderUnavailable, TooManyAttempts.
    """
    now = now or timezone.now()
    row = selectors.get_provider(provider)
    limits.count_attempt("oidc", address=device.address)
    try:
        begun = oauth.begin(row)
    except oauth.OAuthError as error:
        _log.warning("users.provider_unreachable", provider=provider, reason=str(error))
        raise exceptions.ProviderUnavailable from error
    flow = token.new_token()
    lifetime = settings.PROVIDER_SIGN_IN_LIFETIME
    ProviderSignIn.objects.create(
        provider=provider,
        user=actor.user if actor is not None else None,
        digest=token.digest(flow),
        state=token.digest(begun.state),
        nonce=begun.nonce,
        verifier=begun.verifier,
        created_at=now,
        expires_at=now + lifetime,
    )
    return ProviderStart(authorization_url=begun.url, flow=flow, expires_in=int(lifetime.total_seconds()))


def sign_in_with_provider(
    *, provider: str, returned: ProviderReturn, device: Device, now: datetime | None = None
) -> TokenPair | Challenge:
    """Open a session for a user who returns from a provider, creating an account for a new one.

    Raises:
        ProviderSignInRefused: the response belongs to no pending sign-in or is invalid; or the account is not active, or
            not verified where that is required.
        AccountExists: the address has an account that is not linked to this identity.
        ProviderEmailUnverified: there is no account, and the provider has not verified the address.
        ProviderUnknown, ProviderUnavailable, TooManyAttempts: see there.
    """
    now = now or timezone.now()
    found = _identity(provider=provider, returned=returned, device=device, user_id=None, now=now)
    with transaction.atomic():
        identity = Identity.objects.filter(issuer=found.issuer, subject=found.subject).first()
        user_id = identity.user_id if identity is not None else _register(provider, found, now).pk
        user = (
            User.objects.able_to_sign_in()
            .select_for_update(no_key=True)
            .defer("phone")
            .filter(pk=user_id)
            .first()
        )
        if user is None or (settings.REQUIRE_VERIFIED_EMAIL and not user.is_verified):
            _log.info("users.sign_in_refused", user_id=str(user_id))
            raise exceptions.ProviderSignInRefused
        Identity.objects.filter(issuer=found.issuer, subject=found.subject).update(last_used_at=now)
        return sign_in.admit(user=user, device=device, now=now, by=f"provider {provider}")


def link_identity(
    *, actor: Caller, provider: str, returned: ProviderReturn, device: Device, now: datetime | None = None
) -> Identity:
    """Link the identity of a user who returns from a provider to the actor's account.

    Raises IdentityTaken, ProviderSignInRefused, ProviderUnknown, ProviderUnavailable, TooManyAttempts.
    """
    now = now or timezone.now()
    user: User = actor.user
    found = _identity(provider=provider, returned=returned, device=device, user_id=user.pk, now=now)
    try:
        with transaction.atomic():
            identity = _link(user, provider, found, now)
            events.publish(IdentityLinked(user_id=user.pk, change_id=uuid7()))
    except IntegrityError:
        raise exceptions.IdentityTaken from None
    return identity


def unlink_identity(*, actor: Caller, identity_id: UUID) -> None:
    """Remove an identity from the actor's account. Raises IdentityNotFound, LastWayIn."""
    with transaction.atomic():
        # Locked, so that of two identities removed at once one is kept.
        user = User.objects.select_for_update(no_key=True).defer("phone").get(pk=actor.user.pk)
        mine = Identity.objects.filter(user=user)
        identity = mine.filter(pk=identity_id).first()
        if identity is None:
            raise exceptions.IdentityNotFound
        if not is_password_usable(user.password) and mine.count() == 1:
            raise exceptions.LastWayIn
        identity.delete()
        events.publish(IdentityUnlinked(user_id=user.pk, change_id=uuid7()))
        _record(AuditAction.IDENTITY_UNLINKED, user.pk, provider=identity.provider)


def _identity(
    *, provider: str, returned: ProviderReturn, device: Device, user_id: UUID | None, now: datetime
) -> oauth.Identity:
    """The identity of a response. The pending sign-in is used up first, for any outcome."""
    row = selectors.get_provider(provider)
    limits.count_attempt("oidc", address=device.address)
    begun = ProviderSignIn.objects.filter(
        digest=token.digest(returned.flow),
        provider=provider,
        used_at=None,
        expires_at__gt=now,
    )
    started = begun.first()
    if started is None or started.user_id != user_id or not begun.update(used_at=now, updated_at=now):
        raise exceptions.ProviderSignInRefused
    if not hmac.compare_digest(bytes(started.state), token.digest(returned.state)):
        _log.warning("users.provider_sign_in_refused", provider=provider, reason="the state is another one")
        raise exceptions.ProviderSignInRefused
    try:
        return oauth.finish(
            row,
            code=returned.code,
            issuer=returned.iss,
            nonce=started.nonce,
            verifier=started.verifier,
        )
    except oauth.ProviderUnreachable as error:
        _log.warning("users.provider_unreachable", provider=provider, reason=str(error))
        raise exceptions.ProviderUnavailable from error
    except oauth.OAuthError as error:
        _log.warning("users.provider_sign_in_refused", provider=provider, reason=str(error))
        raise exceptions.ProviderSignInRefused from error


def _register(provider: str, found: oauth.Identity, now: datetime) -> User:
    """Create an account for an identity. Raises ProviderEmailUnverified, AccountExists."""
    if not found.is_email_verified:
        raise exceptions.ProviderEmailUnverified
    try:
        address = email_addresses.mailable(found.email)
    except email_addresses.InvalidEmail:
        raise exceptions.ProviderEmailUnverified from None
    user = User(
        email=address,
        name=names.name_for(found.name, address.partition("@")[0]),
        password=make_password(None),
        email_verified_at=now,
        # No welcome mail, which asks to verify the address: the provider has verified it.
        welcomed_at=now,
        created_at=now,
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            _link(user, provider, found, now)
    except IntegrityError:
        if Identity.objects.filter(issuer=found.issuer, subject=found.subject).exists():
            # The same user in two windows: the other one was faster.
            raise exceptions.ProviderSignInRefused from None
        raise exceptions.AccountExists from None
    events.publish(UserRegistered(user_id=user.pk))
    _record(AuditAction.REGISTERED, user.pk, provider=provider)
    return user


def _link(user: User, provider: str, found: oauth.Identity, now: datetime) -> Identity:
    identity = Identity.objects.create(
        user=user,
        provider=provider,
        issuer=found.issuer,
        subject=found.subject,
        created_at=now,
        last_used_at=now,
    )
    _record(AuditAction.IDENTITY_LINKED, user.pk, provider=provider)
    return identity


def _record(action: AuditAction, user_id: UUID, **details: str) -> None:
    audit.record(action=action, actor_id=user_id, target="user", target_id=user_id, details=details)
