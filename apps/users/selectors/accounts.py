"""Accounts and their sessions, for people and for other slices."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.common.callers import Caller
from apps.common.http.client_address import network_of
from apps.users import exceptions, policies
from apps.users.models import EmailChange, Identity, RecoveryCode, Session, User
from apps.users.models.sessions import SessionQuerySet
from apps.users.types import SecondFactorState


def get_user(*, user_id: UUID) -> User:
    """The account of that id, active or not. Raises UserNotFound, for erased ones as well."""
    user = User.objects.existing().defer("password", "phone").filter(pk=user_id).first()
    if user is None:
        raise exceptions.UserNotFound
    return user


def get_user_for(*, actor: Caller, user_id: UUID) -> User:
    """The account of that id as far as the actor may see it. Raises UserNotFound."""
    if not policies.may_see(actor=actor, user_id=user_id):
        raise exceptions.UserNotFound
    return actor.user if actor.is_user and actor.user.pk == user_id else get_user(user_id=user_id)


def list_users() -> QuerySet[User]:
    """Every account that was not erased, the newest first."""
    return User.objects.existing().defer("password", "phone").order_by("-created_at", "-id")


def list_users_for(*, actor: Caller) -> QuerySet[User]:
    """Those of them that the actor may see."""
    return list_users().filter(policies.visible(actor=actor))


def names_of(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The display name of each account, erased ones included. Ids of nobody are left out."""
    if not user_ids:
        return {}
    return dict(User.objects.filter(pk__in=set(user_ids)).values_list("pk", "name"))


def get_verified_address(*, user_id: UUID) -> str:
    """The address of an active account if it is verified; empty otherwise, and for nobody."""
    found = User.objects.filter(pk=user_id, is_active=True, email_verified_at__isnull=False)
    return found.values_list("email", flat=True).first() or ""


def get_user_by_verified_address(*, email: str) -> User:
    """The active account whose verified address this is, in its canonical form. Raises UserNotFound."""
    found = User.objects.existing().defer("password", "phone")
    user = found.filter(email=email, is_active=True, email_verified_at__isnull=False).first()
    if user is None:
        raise exceptions.UserNotFound
    return user


def list_sessions(*, user: User, now: datetime | None = None) -> SessionQuerySet:
    """The live sessions of an account, the newest first."""
    return Session.objects.live(now or timezone.now()).filter(user=user).order_by("-created_at", "-id")


def get_session_of(*, user: User, session_id: UUID, now: datetime | None = None) -> Session:
    """One of the live sessions of an account. Raises SessionNotFound, for those of others as well."""
    session = list_sessions(user=user, now=now).filter(pk=session_id).first()
    if session is None:
        raise exceptions.SessionNotFound
    return session


def was_signed_in_from(*, email: str, address: str) -> bool:
    """Whether the account was signed in to from the network of this address lately, as far as its sessions are kept."""
    network = network_of(address)
    return bool(network and email) and Session.objects.filter(user__email=email, network=network).exists()


def list_identities(*, user: User) -> QuerySet[Identity]:
    """Who opens the account at outside providers, the newest first."""
    return Identity.objects.filter(user=user).order_by("-created_at", "-id")


def find_email_change(*, user: User, now: datetime | None = None) -> EmailChange | None:
    """The change of address that waits to be confirmed; None when there is none."""
    return EmailChange.objects.filter(user=user, expires_at__gt=now or timezone.now()).first()


def get_second_factor_state(*, user: User) -> SecondFactorState:
    """Whether signing in takes a second factor, and how many recovery codes are left."""
    return SecondFactorState(
        is_enabled=user.second_factor_at is not None,
        enabled_at=user.second_factor_at,
        recovery_codes_left=RecoveryCode.objects.filter(user=user).count(),
    )
