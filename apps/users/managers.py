"""QuerySets of the users slice: what holds for a set of rows, as conditions that others build on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db.models import QuerySet

from apps.users import email_addresses

if TYPE_CHECKING:
    from apps.users.models import User


class UserQuerySet(QuerySet["User"]):
    """Accounts."""

    def existing(self) -> UserQuerySet:
        """Without those that were erased, of which only an empty shell is left."""
        return self.filter(erased_at=None)

    def active_admins(self) -> UserQuerySet:
        """Those who can administer others."""
        return self.filter(role="admin", is_active=True)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)["User"]):  # type: ignore[misc]  # made at run time
    """Makes and finds accounts by address. Registration, with its rules and events, is a service."""

    def get_by_natural_key(self, username: str | None) -> User:
        """The account of an address in any spelling. Raises User.DoesNotExist."""
        try:
            address = email_addresses.canonical(username or "")
        except email_addresses.InvalidEmail:
            raise self.model.DoesNotExist from None
        user: User = self.get(email=address)
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An account as given; without a password nobody can sign in to it. Raises InvalidEmail."""
        user: User = self.model(email=email_addresses.canonical(email), **fields)
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
