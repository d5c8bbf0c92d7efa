"""Members, bans and invitations of rooms, and users who share a room."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.chat import policies
from apps.chat.exceptions import MemberNotFound, RoomRoleTooLow
from apps.chat.models import Ban, Invitation, Membership, Role
from apps.chat.selectors.rooms import get_membership
from apps.users import selectors as users


def list_members(*, room_id: UUID) -> QuerySet[Membership]:
    """Lists the members of a room with their accounts, in the order in which they joined."""
    members = Membership.objects.filter(room_id=room_id).select_related("user").order_by("id")
    shown = ("id", "room_id", "user_id", "role", "read_seq", "muted_until", "created_at", "user__name")
    return members.only(*shown)


def get_member(*, room_id: UUID, user_id: UUID) -> Membership:
    """Returns one of `list_members`. Raises MemberNotFound."""
    member = list_members(room_id=room_id).filter(user_id=user_id).first()
    if member is None:
        raise MemberNotFound
    return member


def names_of_members(*, room_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """Returns the names of those users who are members of the room."""
    found = Membership.objects.filter(room_id=room_id, user_id__in=user_ids)
    return dict(found.values_list("user_id", "user__name"))


def is_last_owner(*, membership: Membership) -> bool:
    others = Membership.objects.filter(room_id=membership.room_id, role=Role.OWNER).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


def list_bans(*, room_id: UUID) -> QuerySet[Ban]:
    """Lists the bans of a room with the accounts, the oldest first."""
    bans = Ban.objects.filter(room_id=room_id).select_related("user").order_by("id")
    return bans.only("id", "user_id", "created_at", "user__name")


def is_banned(*, room_id: UUID, user_id: UUID) -> bool:
    return Ban.objects.filter(room_id=room_id, user_id=user_id).exists()


def list_invitations_of(*, user_id: UUID, slug: str, now: datetime | None = None) -> QuerySet[Invitation]:
    """Lists a room's open invitations, the newest first, for members who may invite.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow.
    """
    membership = get_inviter(user_id=user_id, slug=slug)
    return Invitation.objects.filter(
        room_id=membership.room_id, expires_at__gt=now or timezone.now()
    ).order_by("-id")


def get_inviter(*, user_id: UUID, slug: str) -> Membership:
    """`get_membership` of a member who may invite. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    membership = get_membership(user_id=user_id, slug=slug)
    if not policies.may_add_member(Role(membership.role), as_role=Role.MEMBER):
        raise RoomRoleTooLow
    return membership


def list_invitations_for(*, user_id: UUID, now: datetime | None = None) -> QuerySet[Invitation]:
    """Lists the open invitations to a user's id or verified address, the newest first.

    An invitation is open only while the inviter may still invite.
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
    """Lists active users who share a room with a user, by name."""
    shared = Membership.objects.filter(room__memberships__user_id=user_id).exclude(user_id=user_id)
    return users.list_users().filter(is_active=True, pk__in=shared.values("user_id")).order_by("name", "id")
