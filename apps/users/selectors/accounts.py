"""Accounts, for actors who may see them and for other slices."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from apps.common.callers import Caller
from apps.users import exceptions, policies
from apps.users.models import User


def get_user(*, user_id: UUID) -> User:
    """The account of that id, active or not. Raises UserNotFound, also for an erased one."""
    user = User.objects.existing().defer("password", "phone").filter(pk=user_id).first()
    if user is None:
        raise exceptions.UserNotFound
    return user


def get_user_for(*, actor: Caller, user_id: UUID) -> User:
    """The account of that id if the actor may see it. Raises UserNotFound."""
    if not policies.may_see(actor=actor, user_id=user_id):
        raise exceptions.UserNotFound
    return actor.user if actor.is_user and actor.user.pk == user_id else get_user(user_id=user_id)


def list_users() -> QuerySet[User]:
    """All accounts that were not erased, the newest first."""
    return User.objects.existing().defer("password", "phone").order_by("-created_at", "-id")


def list_users_for(*, actor: Caller) -> QuerySet[User]:
    """Those that the actor may see."""
    return list_users().filter(policies.visible(actor=actor))


def names_of(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The display name of each account, erased ones included. Unknown ids are left out."""
    if not user_ids:
        return {}
    return dict(User.objects.filter(pk__in=set(user_ids)).values_list("pk", "name"))
