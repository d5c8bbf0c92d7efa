"""Reading rooms, members and messages. Nothing here writes; whoever may not see something does not find it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.contrib.postgres.search import SearchQueryField
from django.db import connection
from django.db.models import (
    BooleanField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast
from django.utils import timezone

from apps.chat import policies
from apps.chat.exceptions import (
    AttachmentNotFound,
    MemberNotFound,
    MessageNotFound,
    NotAMember,
    RoomNotFound,
    RoomRoleTooLow,
)
from apps.chat.models import Attachment, Ban, Invitation, LanguageField, Membership, Message, Role, Room
from apps.chat.types import Attached, Mentioned, Permission, Posted, Quote, Seat
from apps.users import selectors as users

SYSTEM_NAME = "System"
QUOTE_LENGTH = 140
# Control characters that no keyboard makes; those in a text are left out of what is shown of it.
FOUND, END = "\x02", "\x03"
_LESS, _GREATER = "\x04", "\x05"
_SAID = (
    *("id", "room_id", "seq", "sender_id", "client_id", "text", "created_at", "edited_at", "deleted_at"),
    *("sender__name", "attachments", "mentions"),
    *(
        f"reply_to__{name}"
        for name in ("id", "seq", "sender_id", "text", "created_at", "deleted_at", "sender__name")
    ),
)

_SEATS = """
SELECT wanted.slug, wanted.user_id, room.id, room.is_private, member.id IS NOT NULL
FROM unnest(%s::text[], %s::uuid[]) AS wanted (slug, user_id)
JOIN chat_room room ON room.slug = wanted.slug
LEFT JOIN chat_membership member ON member.room_id = room.id AND member.user_id = wanted.user_id
"""

# No row for those who are still members, which are nearly all of them, every few seconds.
_FORMER = """
SELECT room_id, user_id FROM json_to_recordset(%s::json) AS asked (room_id uuid, user_id uuid)
WHERE NOT EXISTS (
    SELECT FROM chat_membership member WHERE member.room_id = asked.room_id AND member.user_id = asked.user_id
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Someone in a room with the rank by which they act; `membership` None: one of the site's staff."""

    user_id: UUID
    room: Room
    membership: Membership | None
    rank: policies.Rank


def list_rooms(*, user_id: UUID) -> QuerySet[Room]:
    """Public rooms and those that the person is in, by slug; with `my_role` and `my_read_seq` (None outside)."""
    return (
        policies.visible_rooms(Room.objects.all(), user_id=user_id)
        .annotate(
            my_role=F("mine__role"),
            my_read_seq=F("mine__read_seq"),
            my_muted_until=F("mine__muted_until"),
        )
        .order_by("slug", "id")
    )


def get_room_visible_to(*, user_id: UUID, slug: str) -> Room:
    """One of `list_rooms`. Raises RoomNotFound."""
    room = list_rooms(user_id=user_id).filter(slug=slug).first()
    if room is None:
        raise RoomNotFound
    return room


def get_room(*, slug: str) -> Room:
    """Any room, for the system itself. Raises RoomNotFound."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        raise RoomNotFound
    return room


def get_room_by_id(*, room_id: UUID) -> Room:
    """Any room, for the system itself. Raises RoomNotFound."""
    room = Room.objects.filter(pk=room_id).first()
    if room is None:
        raise RoomNotFound
    return room


def get_membership(*, user_id: UUID, slug: str) -> Membership:
    """The person's membership with its room. Raises RoomNotFound, or NotAMember for a public room."""
    found = Membership.objects.select_related("room").filter(user_id=user_id, room__slug=slug).first()
    if found is None:
        if policies.visible_rooms(Room.objects.filter(slug=slug), user_id=user_id).exists():
            raise NotAMember
        raise RoomNotFound
    return found


def get_standing(*, user_id: UUID, slug: str) -> Standing:
    """What someone has to say in a room: as a member, or as one of the site's staff in a room that they can see.

    Raises RoomNotFound, NotAMember.
    """
    membership = Membership.objects.select_related("room").filter(user_id=user_id, room__slug=slug).first()
    room = Room.objects.filter(slug=slug).first() if membership is None else membership.room
    if room is None or not policies.may_see_room(
        is_private=room.is_private, is_member=membership is not None
    ):
        raise RoomNotFound
    by_room = None if membership is None else policies.rank_of(membership.role)
    rank = policies.Rank.SITE if users.get_user(user_id=user_id).may(Permission.MODERATE) else by_room
    if rank is None:
        raise NotAMember
    return Standing(user_id=user_id, room=room, membership=membership, rank=rank)


def get_moderator(*, user_id: UUID, slug: str) -> Standing:
    """`get_standing` of someone who may moderate. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    standing = get_standing(user_id=user_id, slug=slug)
    if standing.rank < policies.Rank.MODERATOR:
        raise RoomRoleTooLow
    return standing


def list_bans(*, room_id: UUID) -> QuerySet[Ban]:
    """Who may not come into a room, by when they were banned, with their accounts."""
    bans = Ban.objects.filter(room_id=room_id).select_related("user").order_by("id")
    return bans.only("id", "user_id", "created_at", "user__name")


def is_banned(*, room_id: UUID, user_id: UUID) -> bool:
    """Whether someone may not come into a room."""
    return Ban.objects.filter(room_id=room_id, user_id=user_id).exists()


def get_rank_against(*, actor: Standing, user_id: UUID, role: Role | None) -> policies.Rank:
    """The rank that counts of someone (None: no member) whom the actor wants to moderate."""
    by_room = policies.Rank.MEMBER if role is None else policies.rank_of(role)
    if actor.rank < policies.Rank.SITE:
        return by_room
    # The site's staff answers to those above them on the site; its roles in a room protect nobody from it.
    is_below = users.get_rank(user_id=user_id) < users.get_rank(user_id=actor.user_id)
    return by_room if is_below else policies.Rank.SITE


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


def list_messages(*, room_id: UUID) -> QuerySet[Message]:
    """A room's messages by number, with their senders and what they reply to."""
    # Of an account only its name: the rest is personal, and some of it would have to be decrypted.
    said = Message.objects.filter(room_id=room_id).select_related("sender", "reply_to__sender")
    return said.order_by("seq").only(*_SAID)


def search_messages(*, room: Room, query: str) -> QuerySet[Message]:
    """A room's messages with these words (PostgreSQL's websearch syntax), the newest first; with `headline`.

    In a headline, FOUND and END stand around each word that was found; both occur nowhere else in it.
    """
    config = Value(room.language, output_field=LanguageField())
    words = Func(config, Value(query), function="websearch_to_tsquery")
    # The room is one of the words, so the index reads nothing of what was said elsewhere.
    here = Cast(Value(f"'{room.pk}'"), SearchQueryField())
    wanted = CombinedExpression(words, "&&", here, output_field=SearchQueryField())
    marks = (
        f'StartSel={FOUND}, StopSel={END}, MaxWords=24, MinWords=8, MaxFragments=2, FragmentDelimiter=" … "'
    )
    # Angle brackets are put by, since PostgreSQL takes what they enclose for tags and leaves it out.
    plain = Func(
        F("text"),
        Value(f"<>{_LESS}{_GREATER}{FOUND}{END}"),
        Value(f"{_LESS}{_GREATER}"),
        function="translate",
        output_field=TextField(),
    )
    return (
        list_messages(room_id=room.pk)
        .filter(
            Func(
                F("search"),
                wanted,
                template="(%(expressions)s)",
                arg_joiner=" @@ ",
                output_field=BooleanField(),
            )
        )
        .annotate(
            headline=Func(
                config, plain, words, Value(marks), function="ts_headline", output_field=TextField()
            )
        )
        .order_by("-seq")
    )


def snippet(headline: str) -> list[dict[str, Any]]:
    """A headline in pieces, those that were looked for told apart. No markup: nothing in it can be taken for some."""
    pieces: list[dict[str, Any]] = []
    for part in headline.replace(_LESS, "<").replace(_GREATER, ">").split(FOUND):
        found, end, rest = part.partition(END)
        if not end:
            found, rest = "", part
        pieces += [
            {"text": text, "match": is_match} for text, is_match in ((found, True), (rest, False)) if text
        ]
    return pieces


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
    """Someone's open invitations, the newest first: those to their id, and to their address once it is verified."""
    address = users.get_verified_address(user_id=user_id)
    mine = Q(user_id=user_id) | Q(email=address) if address else Q(user_id=user_id)
    found = Invitation.objects.filter(mine, expires_at__gt=now or timezone.now()).order_by("-id")
    return found.select_related("room", "invited_by").only(
        *("id", "room_id", "invited_by_id", "user_id", "email", "created_at", "expires_at"),
        *("room__slug", "room__name", "room__head", "invited_by__name"),
    )


def list_people_known_to(*, user_id: UUID) -> QuerySet[Any]:
    """Active accounts that share a room with someone, by name."""
    shared = Membership.objects.filter(room__memberships__user_id=user_id).exclude(user_id=user_id)
    return users.list_users().filter(is_active=True, pk__in=shared.values("user_id")).order_by("name", "id")


def get_message(*, room_id: UUID, message_id: UUID) -> Message:
    """One message of a room with its sender. Raises MessageNotFound."""
    message = list_messages(room_id=room_id).filter(pk=message_id).first()
    if message is None:
        raise MessageNotFound
    return message


def get_posted(*, room_id: UUID, message_id: UUID) -> Posted:
    """One message of a room as the value that frames are made of. Raises MessageNotFound."""
    return as_posted([get_message(room_id=room_id, message_id=message_id)])[0]


def as_posted(messages: Sequence[Message]) -> list[Posted]:
    """Messages of `list_messages` as the values that frames are made of; one query if anybody is named in them."""
    named = {id_ for message in messages for id_ in message.mentions or ()}
    names = users.names_of(named) if named else {}
    return [_posted(message, names) for message in messages]


def _posted(message: Message, names: Mapping[UUID, str]) -> Posted:
    return Posted(
        id=message.pk,
        seq=message.seq,
        text=message.text,
        sender_id=message.sender_id,
        sender_name=SYSTEM_NAME if message.sender is None else message.sender.name,
        client_id=message.client_id,
        at=message.created_at,
        edited_at=message.edited_at,
        is_deleted=message.deleted_at is not None,
        reply_to=None if message.reply_to is None else quote(message.reply_to),
        attachments=tuple(Attached(**{**file, "id": UUID(file["id"])}) for file in message.attachments or ()),
        mentions=tuple(
            Mentioned(user_id=id_, name=names[id_]) for id_ in message.mentions or () if id_ in names
        ),
    )


def quote(message: Message) -> Quote:
    """The beginning of a message, for those that reply to it. Its sender has to be loaded."""
    return Quote(
        id=message.pk,
        seq=message.seq,
        sender_id=message.sender_id,
        sender_name=SYSTEM_NAME if message.sender is None else message.sender.name,
        text=message.text[:QUOTE_LENGTH],
        is_deleted=message.deleted_at is not None,
    )


def list_quotes(*, room_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, Quote]:
    """The beginnings of these messages of a room by id; those that are not in it are left out."""
    found = Message.objects.filter(room_id=room_id, pk__in=message_ids).select_related("sender")
    found = found.only("id", "seq", "sender_id", "sender__name", "text", "deleted_at")
    return {message.pk: quote(message) for message in found}


def names_of_members(*, room_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those of these people who are in the room."""
    found = Membership.objects.filter(room_id=room_id, user_id__in=user_ids)
    return dict(found.values_list("user_id", "user__name"))


def get_attachment(*, user_id: UUID, slug: str, attachment_id: UUID) -> Attachment:
    """A file that was posted in a room, for its members; before that for its uploader alone.

    Raises RoomNotFound, NotAMember, AttachmentNotFound.
    """
    membership = get_membership(user_id=user_id, slug=slug)
    found = Attachment.objects.filter(pk=attachment_id, room_id=membership.room_id, discarded_at=None)
    attachment = found.filter(Q(message_id__isnull=False) | Q(uploader_id=user_id)).first()
    if attachment is None:
        raise AttachmentNotFound
    return attachment


def attached(attachment: Attachment) -> Attached:
    """A file as readers see it."""
    return Attached(
        id=attachment.pk,
        name=attachment.name,
        type=attachment.type,
        size=attachment.size,
        width=attachment.width,
        height=attachment.height,
    )


def list_posted_after(*, room_id: UUID, after: int, limit: int) -> list[Posted]:
    """Up to `limit` messages that follow number `after`."""
    return as_posted(list(list_messages(room_id=room_id).filter(seq__gt=after)[:limit]))


def list_heads(*, room_ids: Collection[UUID]) -> dict[UUID, int]:
    """The newest number of each room that exists."""
    return dict(Room.objects.filter(pk__in=room_ids).values_list("pk", "head"))


def list_seats(*, wanted: Sequence[tuple[str, UUID]]) -> dict[tuple[str, UUID], Seat]:
    """For many (slug, user id) at once: the room as that person finds it. Unknown rooms are left out."""
    with connection.cursor() as cursor:
        # Two arrays, however many are asked for: the statement is prepared once.
        cursor.execute(_SEATS, [[slug for slug, _ in wanted], [user_id for _, user_id in wanted]])
        return {
            (slug, user_id): Seat(room_id=room_id, is_private=is_private, is_member=is_member)
            for slug, user_id, room_id, is_private, is_member in cursor.fetchall()
        }


def list_former_members(*, pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Which of these (room id, user id) are no memberships, by one query however many there are."""
    asked = [{"room_id": room_id, "user_id": user_id} for room_id, user_id in pairs]
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_FORMER, [orjson.dumps(asked).decode()])
        return set(cursor.fetchall())


def is_last_owner(*, membership: Membership) -> bool:
    """Whether the room would be without an owner if this member went or became less."""
    others = Membership.objects.filter(room_id=membership.room_id, role=Role.OWNER).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


def list_rooms_without_owner(*, among: Collection[UUID]) -> QuerySet[Room]:
    """Which of these rooms nobody owns."""
    owners: Any = Membership.objects.filter(room=OuterRef("pk"), role=Role.OWNER)
    return Room.objects.filter(~Exists(owners), pk__in=among).order_by("pk")
