"""Accounts and their tokens. Tests of other slices use these as well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.conf import settings
from django.utils import timezone
from factory.declarations import LazyFunction, Sequence

from apps.common.callers import Caller, CallerKind
from apps.users import selectors
from apps.users.clients.python.session import Session as ClientSession
from apps.users.clients.python.session import TokenPair as ClientTokenPair
from apps.users.models import Role, Session, User
from apps.users.services import administration, sessions
from apps.users.types import Device, SessionReference, TokenPair

PASSWORD = "a widget circle on the downs"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """An account with PASSWORD, active and verified."""

    class Meta:
        model = User

    email = Sequence(lambda number: f"user{number}@example.com")
    name = Sequence(lambda number: f"User {number}")
    email_verified_at = LazyFunction(timezone.now)

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        kwargs.setdefault("password", PASSWORD)
        return model_class.objects.create_user(**kwargs)


class AdminFactory(UserFactory):
    """The same with the admin role."""

    role = Role.ADMIN


def session_for(user: User) -> Session:
    """A live session."""
    return Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))


def access_token_for(user: User) -> str:
    """An access token of a new session."""
    return selectors.access_tokens().issue(user.pk, session_for(user).pk, settings.ACCESS_TOKEN_LIFETIME)


def pair_for(user: User) -> TokenPair:
    """Both tokens of a new session, without the cost of signing in."""
    return sessions.open_session(user=user, device=Device(), now=timezone.now())


def client_session(base_url: str, user: User) -> ClientSession:
    """A new session in a generated client."""
    pair = pair_for(user)
    session = ClientSession(base_url)
    session.adopt(ClientTokenPair(pair.access, pair.refresh, 600))
    return session


def caller_for(user: User) -> Caller:
    """The caller that an authenticator would return for a new session."""
    return Caller(kind=CallerKind.USER, user=user, session_id=session_for(user).pk)


def reference_of(user: User) -> SessionReference:
    """The newest session of a user."""
    session = Session.objects.filter(user=user).latest("created_at")
    return SessionReference(user_id=user.pk, session_id=session.pk)


def actor_of(user: User) -> Caller:
    """The caller of the user's newest session."""
    return Caller(kind=CallerKind.USER, user=user, session_id=reference_of(user).session_id)


def bearer(user: User) -> dict[str, str]:
    """Headers for Django's test client: `client.get(path, headers=bearer(user))`."""
    return {"Authorization": f"Bearer {access_token_for(user)}"}


def erase(user: User) -> None:
    """Erase an account at once."""
    administration.erase(actor=caller_for(user), user_id=user.pk, now=timezone.now())
