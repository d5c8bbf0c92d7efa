"""Manager and QuerySets of the users slice: what holds for a set of rows, as conditions that others build on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, F, Func, OuterRef, QuerySet, Subquery

from apps.users import email_addresses

if TYPE_CHECKING:  # named in strings, for models.py imports this module
    from apps.users.models import OneTimeToken, RefreshToken, Role, Session, User  # noqa: F401


class _Unnest(Func):
    """One row for each element."""

    function = "unnest"
    set_returning = True
    output_field = CharField()


class UserManager(BaseUserManager["User"]):
    """Makes and finds accounts. Registration, with its rules and events, is a service."""

    def existing(self) -> QuerySet[User]:
        """Without those that were erased, of which only an empty shell is left."""
        return self.filter(erased_at=None)

    def with_permissions(self) -> QuerySet[User]:
        """With `held`: what each one's role holds at this moment."""
        from apps.users.models import Role

        held = Role.objects.up_to(OuterRef("role"), depth=1).each_permission()
        return self.annotate(held=ArraySubquery(held))

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


class RoleQuerySet(QuerySet["Role"]):
    """Roles. Each holds what is granted to itself and to those that rank below."""

    def up_to(self, code: Any, *, depth: int = 0) -> RoleQuerySet:
        """The role of that code and those below it; `depth` is how many queries stand around an OuterRef."""
        for _ in range(depth):
            code = OuterRef(code)
        rank = self.model.objects.filter(code=code).order_by().values("rank")
        return self.filter(rank__lte=Subquery(rank))

    def each_permission(self) -> Any:
        """Everything that these roles are granted, once."""
        return (
            self.order_by().annotate(one=_Unnest(F("permissions"))).values_list("one", flat=True).distinct()
        )

    def held_by(self, code: str) -> set[str]:
        """What the role of that code holds; nothing where there is none."""
        return set(self.up_to(code).each_permission())


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
