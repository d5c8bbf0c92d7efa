"""The sessions of an account."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from apps.common.http.client_address import network_of
from apps.users import exceptions
from apps.users.models import Session, User
from apps.users.models.sessions import SessionQuerySet


def list_sessions(*, user: User, now: datetime | None = None) -> SessionQuerySet:
    """The live sessions of an account, the newest first."""
    return Session.objects.live(now or timezone.now()).filter(user=user).order_by("-created_at", "-id")


def get_session_of(*, user: User, session_id: UUID, now: datetime | None = None) -> Session:
    """One of the live sessions of an account. Raises SessionNotFound, also for those of others."""
    session = list_sessions(user=user, now=now).filter(pk=session_id).first()
    if session is None:
        raise exceptions.SessionNotFound
    return session


def was_signed_in_from(*, email: str, address: str) -> bool:
    """Whether a recorded session of the account came from the network of this address lately."""
    network = network_of(address)
    return bool(network and email) and Session.objects.filter(user__email=email, network=network).exists()
