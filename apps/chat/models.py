"""Rooms, who is in them, and what was said. What may happen to them is decided in the services."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Length
from django.utils import timezone

from apps.chat.types import Language
from apps.common.database.ids import uuid7
from apps.common.models import BaseModel
from apps.common.text import LINE_PATTERN, validate_line

SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
MAX_TEXT = 4000
MAX_ATTACHMENTS = 10
MAX_FILE_NAME = 120

models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class Role(models.TextChoices):
    """What a member may do in one room; `policies` says what that is."""

    OWNER = "owner", "Owner"
    MODERATOR = "moderator", "Moderator"
    MEMBER = "member", "Member"


class LanguageField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs only
    """The name of a text search configuration, in PostgreSQL's own type: a generated column may depend on it."""

    def db_type(self, connection: object) -> str:
        """`regconfig`."""
        return "regconfig"

    def get_placeholder(self, value: object, compiler: object, connection: object) -> str:
        """Said of each value: PostgreSQL would compare and store it as a number otherwise."""
        return "%s::regconfig"


class Room(BaseModel):
    """A conversation. `head` is the number of its newest message, `changes` that of the newest edit or deletion.

    The row is the lock that makes the order of commits the order of numbers, and those of messages gapless.
    """

    slug = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(rf"^{SLUG_PATTERN}\Z", "Use a-z, 0-9 and dashes inside.")],
    )
    name = models.CharField(max_length=80, validators=[validate_line])
    is_private = models.BooleanField(default=False)
    language = models.CharField(max_length=16, choices=Language.choices, default=Language.SIMPLE)
    head = models.BigIntegerField(default=0, editable=False)
    changes = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        ordering = ("slug",)
        constraints = [
            models.CheckConstraint(
                name="chat_room_slug", condition=models.Q(slug__regex=rf"^{SLUG_PATTERN}$")
            ),
            models.CheckConstraint(name="chat_room_name_line", condition=models.Q(name__regex=LINE_PATTERN)),
            models.CheckConstraint(
                name="chat_room_language", condition=models.Q(language__in=Language.values)
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class Membership(BaseModel):
    """One person in one room. `read_seq` is the newest message that they have seen; until `muted_until` they only read."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    read_seq = models.BigIntegerField(default=0)
    muted_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(name="chat_membership_once", fields=("room", "user")),
            models.CheckConstraint(name="chat_membership_role", condition=models.Q(role__in=Role.values)),
            models.CheckConstraint(name="chat_membership_read", condition=models.Q(read_seq__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.room_id}"


class Mute(models.Model):
    """A mute that waits for someone who has left the room: it does not end by leaving and coming back."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="chat_mute_once", fields=("room", "user"))]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.room_id} until {self.until}"


class Ban(models.Model):
    """Someone who may not come into a room until the ban is lifted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(name="chat_ban_once", fields=("room", "user"))]

    def __str__(self) -> str:
        return f"{self.user_id} out of {self.room_id}"


class Message(models.Model):
    """One message. Numbered without gaps in its room; `client_id` is the sender's own name for it, taken once.

    Without a sender it is the system's. A deleted message keeps its number and loses its text and files.
    `attachments` says of each of its files what readers see, so that a page of messages is read without their table;
    `mentions` are the members whom the text names. `search` holds the words and, as one more, the room: so the index
    finds a word in this room without looking at its uses in all others. `change` is the number, in its room, of the last
    edit or the deletion, and `changed_at_head` the room's `head` at that time; both null for a message as it was posted.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    # Accounts are erased in place: a message always has its sender, and its number is never lost.
    sender = models.ForeignKey(
        "users.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    client_id = models.UUIDField()
    # The `client_id` as it was sent, where that is not the canonical spelling.
    sent_as = models.CharField(max_length=36, null=True, blank=True, editable=False)  # noqa: DJ001
    text = models.TextField(blank=True, max_length=MAX_TEXT)
    # No constraints of the database on what points to messages: they go with their room only, in one statement.
    reply_to = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    attachments = models.JSONField(null=True, blank=True)
    mentions = ArrayField(models.UUIDField(), null=True, blank=True)
    language = LanguageField(max_length=64, default=Language.SIMPLE, db_default=Language.SIMPLE)
    search = models.GeneratedField(
        expression=models.Func(
            models.Func("language", "text", function="to_tsvector"),
            models.Func("room", template="array_to_tsvector(ARRAY[(%(expressions)s)::text])"),
            template="(%(expressions)s)",
            arg_joiner=" || ",
            output_field=SearchVectorField(),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    change = models.BigIntegerField(null=True, editable=False)
    changed_at_head = models.BigIntegerField(null=True, editable=False)

    class Meta:
        ordering = ("room", "seq")
        constraints = [
            models.UniqueConstraint(name="chat_message_number", fields=("room", "seq")),
            # In this order: whether a message is new is asked for by room and `client_id`; the sender may be nobody,
            # which no index can be asked for beside somebody.
            models.UniqueConstraint(
                name="chat_message_once", fields=("room", "client_id", "sender"), nulls_distinct=False
            ),
            models.CheckConstraint(name="chat_message_seq", condition=models.Q(seq__gt=0)),
            models.CheckConstraint(
                name="chat_message_text",
                condition=models.Q(text__length__range=(1, MAX_TEXT))
                | models.Q(deleted_at__isnull=False, text="")
                | models.Q(attachments__isnull=False, text=""),
            ),
        ]
        indexes = [
            # What waits to be sorted in is sorted in by the one who posts when it is too much: by default after 4 MB,
            # which stops a room for 100 ms; after 256 kB for a quarter of that, at the same throughput.
            GinIndex(
                models.Func(
                    models.F("search"),
                    models.Func(models.F("text"), function="chat_ngrams"),
                    template="(%(expressions)s)",
                    arg_joiner=" || ",
                ),
                name="chat_message_found",
                gin_pending_list_limit=256,
            ),
            # Unread messages are counted without those that were deleted.
            models.Index(
                fields=["room", "seq"],
                name="chat_message_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
            # Changes that a socket missed.
            models.Index(
                fields=["room", "change"],
                name="chat_message_change",
                condition=models.Q(change__isnull=False),
            ),
            # For the export of what a person has said.
            models.Index(fields=["sender"], name="chat_message_sender"),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} #{self.seq}"


class Attachment(BaseModel):
    """A file that someone uploaded to a room. It belongs to a message from the moment that one is posted with it.

    Rows outlive their room and message until the file is gone, too: `services.attachments` deletes what is discarded,
    and what no message was ever posted with.
    """

    room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True, related_name="+")
    uploader = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(
        Message, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    file = models.CharField(max_length=120, editable=False)
    name = models.CharField(max_length=MAX_FILE_NAME)
    type = models.CharField(max_length=80)
    size = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    discarded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"], name="chat_attachment_unused", condition=models.Q(message__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class Invitation(BaseModel):
    """Someone is asked into a room: an account by its id, or whoever shows that an address is theirs.

    Neither is looked up when it is written, so that nobody learns by inviting who has an account.
    """

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    invited_by = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    user_id = models.UUIDField(null=True)
    email = models.CharField(max_length=254, blank=True, default="")
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                name="chat_invitation_once", fields=("room", "email", "user_id"), nulls_distinct=False
            ),
            models.CheckConstraint(
                name="chat_invitation_of_someone",
                condition=models.Q(user_id__isnull=False, email="")
                | (models.Q(user_id__isnull=True) & ~models.Q(email="")),
            ),
        ]
        indexes = [
            models.Index(fields=["user_id"], name="chat_invitation_user"),
            models.Index(fields=["email"], name="chat_invitation_email"),
            models.Index(fields=["expires_at"], name="chat_invitation_expiry"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
