"""Members of a room, read marks, and the search for users."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from apps.chat import exceptions, selectors, services
from apps.chat.filters import PersonFilter
from apps.chat.models import Membership, Role, Room
from apps.chat.serializers import MemberOutput, RoomOutput
from apps.common.http import fields
from apps.common.http.operation import Answer, ApiRequest, View, operation

_ON_A_MEMBER: Final = (*exceptions.ROLES_ONLY, exceptions.MemberNotFound, exceptions.LastOwner)


class JoinView(View, tag="Members"):
    @operation(
        "chat_rooms_join",
        "Join a room",
        answers=RoomOutput,
        failures=[exceptions.RoomNotFound, exceptions.Banned],
    )
    def post(self, request: ApiRequest, slug: str) -> Room:
        """A public room. Members may call it again."""
        actor_id = request.caller.user.pk
        services.join_room(actor_id=actor_id, slug=slug)
        return selectors.get_room_visible_to(user_id=actor_id, slug=slug)


class LeaveView(View, tag="Members"):
    @operation(
        "chat_rooms_leave",
        "Leave a room",
        answers={204: "You are no longer a member."},
        failures=[*exceptions.MEMBERS_ONLY, exceptions.LastOwner],
    )
    def post(self, request: ApiRequest, slug: str) -> None:
        """Your sockets in it are closed."""
        services.leave_room(actor_id=request.caller.user.pk, slug=slug)


class MembersView(View, tag="Members"):
    class MemberInput(fields.Input):
        """A user to add, or a member whose role to change."""

        user = fields.UUIDField(source="user_id")
        role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)

    @operation("chat_members_list", "List members", page=MemberOutput, failures=exceptions.MEMBERS_ONLY)
    def get(self, request: ApiRequest, slug: str) -> QuerySet[Membership]:
        """In the order in which they joined."""
        membership = selectors.get_membership(user_id=request.caller.user.pk, slug=slug)
        return selectors.list_members(room_id=membership.room_id)

    @operation(
        "chat_members_add",
        "Add a member, or change a role",
        body=MemberInput,
        answers={201: MemberOutput, 200: MemberOutput},
        failures=[*_ON_A_MEMBER, exceptions.MemberBanned, exceptions.TooManyRooms],
    )
    def post(self, request: ApiRequest, slug: str, *, user_id: UUID, role: str) -> Answer:
        """Moderators may add members; owners may give any role. 201 for a new member, 200 for a change of role."""
        membership, is_new = services.add_member(
            actor_id=request.caller.user.pk, slug=slug, user_id=user_id, role=Role(role)
        )
        return Answer(201 if is_new else 200, membership)


class MemberView(View, tag="Members"):
    class RoleInput(fields.Input):
        """A new role for a member."""

        role = serializers.ChoiceField(choices=Role.choices)

    @operation(
        "chat_members_role",
        "Change a member's role",
        body=RoleInput,
        answers=MemberOutput,
        failures=[*_ON_A_MEMBER, exceptions.TooManyRooms],
    )
    def patch(self, request: ApiRequest, slug: str, user_id: UUID, *, role: str) -> Membership:
        """Owners change the roles of members who are not owners; any member may lower their own."""
        return services.change_role(
            actor_id=request.caller.user.pk, slug=slug, user_id=user_id, role=Role(role)
        )

    @operation(
        "chat_members_remove",
        "Remove a member",
        answers={204: "No longer a member."},
        failures=_ON_A_MEMBER,
    )
    def delete(self, request: ApiRequest, slug: str, user_id: UUID) -> None:
        """A member below you, or yourself. The member's sockets are closed."""
        services.remove_member(actor_id=request.caller.user.pk, slug=slug, user_id=user_id)


class ReadView(View, tag="Members"):
    class ReadInput(fields.Input):
        """The number of the newest message that was read."""

        seq = serializers.IntegerField(min_value=0, max_value=2**63 - 1)

    @operation(
        "chat_rooms_read_up_to",
        "Mark messages as read",
        body=ReadInput,
        answers={204: "Marked."},
        failures=exceptions.MEMBERS_ONLY,
    )
    def post(self, request: ApiRequest, slug: str, *, seq: int) -> None:
        """Up to a number. Marks only move forward; on a socket, send a `read` frame."""
        services.read_up_to(actor_id=request.caller.user.pk, slug=slug, seq=seq)


class PeopleView(View, tag="Members"):
    class PersonOutput(serializers.Serializer[Any]):
        """A user who shares a room with the caller."""

        id = serializers.UUIDField()
        name = serializers.CharField()

    @operation("chat_people_list", "Find users", page=PersonOutput, filters=PersonFilter)
    def get(self, request: ApiRequest) -> QuerySet[Any]:
        """Users who share a room with you, by name."""
        return selectors.list_people_known_to(user_id=request.caller.user.pk)
