"""Rooms, members and messages. The rules are in the services."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Length
from django.utils import timezone

from apps.chat.types import Language
from apps.common.models import BaseModel, UUIDModel
from apps.common.text import LINE_PATTERN, validate_line

SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
MAX_TEXT = 4000
MAX_ATTACHMENTS = 10
MAX_FILE_NAME = 120

models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class Role(models.TextChoices):
    """The role of a member in one room; its permissions are in `policies`."""

    OWNER = "owner", "Owner"
    MODERATOR = "moderator", "Moderator"
    MEMBER = "member", "Member"


class LanguageField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs only
    """The name of a text search configuration, in PostgreSQL's own type: a generated column may depend on it."""

    def db_type(self, connection: object) -> str:
        return "regconfig"

    def get_placeholder(self, value: object, compiler: object, connection: object) -> str:
        """Casts each value, which PostgreSQL would otherwise read as a number."""
        return "%s::regconfig"


class Room(BaseModel):
    """A room. `head` is the number of its newest message, `changes` that of its newest edit or deletion.

    The row is the lock that makes the order of commits the order of numbers, and message numbers gapless.
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
    """A user in a room. `read_seq` is the newest message they have read; until `muted_until` they cannot post."""

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
    """A mute of a user who has left the room, applied when they return."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="chat_mute_once", fields=("room", "user"))]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.room_id} until {self.until}"


class Ban(UUIDModel):
    """A user who cannot enter a room until the ban is lifted."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(name="chat_ban_once", fields=("room", "user"))]

    def __str__(self) -> str:
        return f"{self.user_id} out of {self.room_id}"


class Message(UUIDModel):
    """A message, numbered without gaps in its room. `client_id` is the sender's id for it, unique per sender and room.

    A system message has no sender. A deleted message keeps its number and loses its text and files.
    `attachments` copies the public fields of its files, so that a page of messages needs no join; `mentions` are the
    mentioned members. `search` holds the words and the room id as one more word: so the index finds a word in this room
    without reading its uses in other rooms. `change` is the number, in its room, of the last edit or the deletion, and
    `changed_at_head` the room's `head` at that time; both are null until the message changes.
    """

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    # Accounts are anonymized in place, so messages keep their senders and numbers.
    sender = models.ForeignKey(
        "users.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    client_id = models.UUIDField()
    # The `client_id` as it was sent, where that is not the canonical spelling.
    sent_as = models.CharField(max_length=36, null=True, blank=True, editable=False)  # noqa: DJ001
    text = models.TextField(blank=True, max_length=MAX_TEXT)
    # References to messages have no database constraints: messages are deleted only with their room, in one statement.
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
            # In this order, because posting looks a message up by room and `client_id`; the sender may be null, which an
            # index lookup cannot combine with other values.
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
            # The insert that fills the pending list merges it: with the default of 4 MB this blocks a room for 100 ms, with
            # 256 kB for a quarter of that, at the same throughput.
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
            # Deleted messages do not count as unread.
            models.Index(
                fields=["room", "seq"],
                name="chat_message_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
            # Replay of changes.
            models.Index(
                fields=["room", "change"],
                name="chat_message_change",
                condition=models.Q(change__isnull=False),
            ),
            # Data export.
            models.Index(fields=["sender"], name="chat_message_sender"),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} #{self.seq}"


class Attachment(BaseModel):
    """A file uploaded to a room, later attached to one message.

    Rows outlive their room and message until the file is deleted: `services.attachments` deletes discarded files and
    uploads that were never posted.
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
    """An invitation into a room, to an account id or to an address that a user verifies.

    Neither is looked up when it is created, so that inviting does not disclose which accounts exist.
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
