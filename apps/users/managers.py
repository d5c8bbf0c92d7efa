"""Manager and QuerySets of the users slice: what holds for a set of rows, as conditions that others build on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db.models import QuerySet

from apps.users import email_addresses

if TYPE_CHECKING:  # named in strings, for models.py imports this module
    from apps.users.models import OneTimeToken, RefreshToken, Session, User  # noqa: F401


class UserManager(BaseUserManager["User"]):
    """Makes and finds accounts. Registration, with its rules and events, is a service."""

    def existing(self) -> QuerySet[User]:
        """Without those that were erased, of which only an empty shell is left."""
        return self.filter(erased_at=None)

    def active_admins(self) -> QuerySet[User]:
        """Those who can administer others."""
        return self.filter(role="admin", is_active=True)

    def get_by_natural_key(self, username: str | None) -> User:
        """The account of an address in any spelling. Raises User.DoesNotExist."""
        try:
            address = email_addresses.canonical(username or "")
        except email_addresses.InvalidEmail:
            raise self.model.DoesNotExist from None
        return self.get(email=address)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An account as given; without a password nobody can sign in to it. Raises InvalidEmail."""
        user = self.model(email=email_addresses.canonical(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An account with the admin role (`manage.py createsuperuser`). Its address counts as verified."""
        from django.utils import timezone

        return self.create_user(email, password, role="admin", email_verified_at=timezone.now(), **fields)


class SessionQuerySet(QuerySet["Session"]):
    """Sign-ins."""

    def live(self, now: datetime) -> SessionQuerySet:
        """Neither ended nor run out."""
        return self.filter(ended_at=None, expires_at__gt=now)


class RefreshTokenQuerySet(QuerySet["RefreshToken"]):
    """Refresh tokens."""

    def expired(self, now: datetime) -> RefreshTokenQuerySet:
        """Those that say nothing any more, not even that they were used before."""
        return self.filter(expires_at__lte=now)


class OneTimeTokenQuerySet(QuerySet["OneTimeToken"]):
    """Tokens of mails."""

    def usable(self, now: datetime) -> OneTimeTokenQuerySet:
        """Neither used nor run out."""
        return self.filter(used_at=None, expires_at__gt=now)
