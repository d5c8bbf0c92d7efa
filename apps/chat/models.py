"""Rooms, who is in them, and what was said. What may happen to them is decided in the services."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Length

from apps.common.ids import uuid7
from apps.common.models import BaseModel

SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
MAX_TEXT = 4000

models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class Role(models.TextChoices):
    """What a member may do in one room; `policies` says what that is."""

    OWNER = "owner", "Owner"
    MODERATOR = "moderator", "Moderator"
    MEMBER = "member", "Member"


class Room(BaseModel):
    """A conversation. `head` is the number of its newest message, and the lock that makes numbers gapless."""

    slug = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(rf"^{SLUG_PATTERN}\Z", "Use a-z, 0-9 and dashes inside.")],
    )
    name = models.CharField(max_length=80)
    is_private = models.BooleanField(default=False)
    head = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ("slug",)
        constraints = [
            models.CheckConstraint(
                name="chat_room_slug", condition=models.Q(slug__regex=rf"^{SLUG_PATTERN}$")
            ),
            models.CheckConstraint(name="chat_room_name", condition=models.Q(name__length__gt=0)),
        ]

    def __str__(self) -> str:
        return self.slug


class Membership(BaseModel):
    """One person in one room. `read_seq` is the newest message that they have seen."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    read_seq = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(name="chat_membership_once", fields=("room", "user")),
            models.CheckConstraint(name="chat_membership_role", condition=models.Q(role__in=Role.values)),
            models.CheckConstraint(name="chat_membership_read", condition=models.Q(read_seq__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.room_id}"


class Message(models.Model):
    """One message. Numbered without gaps in its room; `client_id` is the sender's own name for it, taken once.

    Without a sender it is the system's. A deleted message keeps its number and loses its text.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    # Accounts are erased in place: a message always has its sender, and its number is never lost.
    sender = models.ForeignKey(
        "users.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    client_id = models.UUIDField()
    text = models.TextField(blank=True, max_length=MAX_TEXT)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("room", "seq")
        constraints = [
            models.UniqueConstraint(name="chat_message_number", fields=("room", "seq")),
            models.UniqueConstraint(
                name="chat_message_once", fields=("room", "sender", "client_id"), nulls_distinct=False
            ),
            models.CheckConstraint(name="chat_message_seq", condition=models.Q(seq__gt=0)),
            models.CheckConstraint(
                name="chat_message_text",
                condition=models.Q(text__length__range=(1, MAX_TEXT))
                | models.Q(deleted_at__isnull=False, text=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} #{self.seq}"
