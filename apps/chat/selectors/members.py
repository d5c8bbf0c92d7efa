"""Who is in a room, who may not come in, who is asked in, and whom one can find."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import (
    Q,
    QuerySet,
)
from django.utils import timezone

from apps.chat import policies
from apps.chat.exceptions import (
    MemberNotFound,
    RoomRoleTooLow,
)
from apps.chat.models import Ban, Invitation, Membership, Role
from apps.chat.selectors.rooms import get_membership
from apps.users import selectors as users


def list_members(*, room_id: UUID) -> QuerySet[Membership]:
    """Everyone in a room, by when they came, with their accounts."""
    members = Membership.objects.filter(room_id=room_id).select_related("user").order_by("id")
    shown = ("id", "room_id", "user_id", "role", "read_seq", "muted_until", "created_at", "user__name")
    return members.only(*shown)


def get_member(*, room_id: UUID, user_id: UUID) -> Membership:
    """One of `list_members`. Raises MemberNotFound."""
    member = list_members(room_id=room_id).filter(user_id=user_id).first()
    if member is None:
        raise MemberNotFound
    return member


def names_of_members(*, room_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those of these people who are in the room."""
    found = Membership.objects.filter(room_id=room_id, user_id__in=user_ids)
    return dict(found.values_list("user_id", "user__name"))


def is_last_owner(*, membership: Membership) -> bool:
    """Whether the room would be without an owner if this member went or became less."""
    others = Membership.objects.filter(room_id=membership.room_id, role=Role.OWNER).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


def list_bans(*, room_id: UUID) -> QuerySet[Ban]:
    """Who may not come into a room, by when they were banned, with their accounts."""
    bans = Ban.objects.filter(room_id=room_id).select_related("user").order_by("id")
    return bans.only("id", "user_id", "created_at", "user__name")


def is_banned(*, room_id: UUID, user_id: UUID) -> bool:
    """Whether someone may not come into a room."""
    return Ban.objects.filter(room_id=room_id, user_id=user_id).exists()


def list_invitations_of(*, user_id: UUID, slug: str, now: datetime | None = None) -> QuerySet[Invitation]:
    """A room's open invitations, the newest first, for those who may invite.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow.
    """
    membership = get_membership(user_id=user_id, slug=slug)
    if not policies.may_add_member(Role(membership.role), as_role=Role.MEMBER):
        raise RoomRoleTooLow
    return Invitation.objects.filter(
        room_id=membership.room_id, expires_at__gt=now or timezone.now()
    ).order_by("-id")


def list_invitations_for(*, user_id: UUID, now: datetime | None = None) -> QuerySet[Invitation]:
    """Lists the open invitations to a user's id or verified address, the newest first.

    An invitation whose maker may no longer invite is not open.
    """
    address = users.get_verified_address(user_id=user_id)
    mine = Q(user_id=user_id) | Q(email=address) if address else Q(user_id=user_id)
    invitations = Invitation.objects.filter(mine).order_by("-id")
    found = policies.open_invitations(invitations, now=now or timezone.now())
    return found.select_related("room", "invited_by").only(
        *("id", "room_id", "invited_by_id", "user_id", "email", "created_at", "expires_at"),
        *("room__slug", "room__name", "room__head", "invited_by__name"),
    )


def list_people_known_to(*, user_id: UUID) -> QuerySet[Any]:
    """Active accounts that share a room with someone, by name."""
    shared = Membership.objects.filter(room__memberships__user_id=user_id).exclude(user_id=user_id)
    return users.list_users().filter(is_active=True, pk__in=shared.values("user_id")).order_by("name", "id")
