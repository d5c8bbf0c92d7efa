"""Notifications and preferences of users. The rules are in the services."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.common.models import BaseModel

KIND_LENGTH = 64
TITLE_LENGTH = 200
BODY_LENGTH = 500
LINK_LENGTH = 300


class Digest(models.TextChoices):
    """How often a user gets a mail about unread notifications."""

    NEVER = "never", "Never"
    DAILY = "daily", "Once a day"
    WEEKLY = "weekly", "Once a week"


class Inbox(models.Model):
    """A user's list and preferences.

    `head` is the number of the newest notification, `changes` that of the newest change (a new text, or a removal). The
    row is the lock that makes the order of commits the order of numbers, and those of notifications gapless.
    `digested_for` is the period (`2026-11-25`, `2026-W48`) of the last digest, `digested_seq` the newest number in it.
    """

    user = models.OneToOneField("users.User", on_delete=models.CASCADE, primary_key=True, related_name="+")
    head = models.BigIntegerField(default=0, editable=False)
    changes = models.BigIntegerField(default=0, db_default=0, editable=False)
    digest = models.CharField(max_length=8, choices=Digest.choices, default=Digest.DAILY)
    muted_kinds = ArrayField(models.CharField(max_length=KIND_LENGTH), default=list, blank=True)
    digested_for = models.CharField(max_length=10, blank=True, default="", editable=False)
    digested_seq = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name_plural = "inboxes"
        constraints = [
            models.CheckConstraint(
                name="notifications_inbox_digest", condition=models.Q(digest__in=Digest.values)
            )
        ]

    def __str__(self) -> str:
        return f"inbox of {self.pk}"


class Notification(BaseModel):
    """A notification of one user. `key` names its cause: the same key again is the same notification.

    `change` is the number, for its user, of its last change, and `changed_at_head` the inbox's `head` at that time; both
    are null until it changes.
    """

    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=KIND_LENGTH)
    title = models.CharField(max_length=TITLE_LENGTH)
    body = models.CharField(max_length=BODY_LENGTH, blank=True, default="")
    link = models.CharField(max_length=LINK_LENGTH, blank=True, default="")
    data = models.JSONField(default=dict, blank=True)
    # The user whom it names; it is deleted when that account is erased.
    about_id = models.UUIDField(null=True, blank=True, editable=False)
    key = models.CharField(max_length=120, null=True, blank=True)  # noqa: DJ001  (unique where there is one)
    # The object that the user must be able to read to keep it, such as `chat.room:<id>`.
    scope = models.CharField(max_length=120, null=True, blank=True, editable=False)  # noqa: DJ001
    read_at = models.DateTimeField(null=True, blank=True)
    change = models.BigIntegerField(null=True, editable=False)
    changed_at_head = models.BigIntegerField(null=True, editable=False)

    class Meta:
        ordering = ("user", "-seq")
        constraints = [
            models.UniqueConstraint(name="notifications_number", fields=("user", "seq")),
            models.UniqueConstraint(name="notifications_once", fields=("user", "key")),
        ]
        indexes = [
            models.Index(
                fields=["user", "seq"],
                name="notifications_unread",
                condition=models.Q(read_at__isnull=True),
            ),
            models.Index(fields=["created_at"], name="notifications_age"),
            models.Index(fields=["key"], name="notifications_key", condition=models.Q(key__isnull=False)),
            models.Index(
                fields=["scope", "user"],
                name="notifications_scope",
                condition=models.Q(scope__isnull=False),
            ),
            models.Index(
                fields=["about_id"],
                name="notifications_about",
                condition=models.Q(about_id__isnull=False),
            ),
            models.Index(
                fields=["user", "change"],
                name="notifications_change",
                condition=models.Q(change__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.seq}"


class RemovedNotification(models.Model):
    """The number and id of a notification that was retracted, kept so that its removal can be replayed."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    change = models.BigIntegerField()
    changed_at_head = models.BigIntegerField()
    removed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="notifications_removed_change", fields=("user", "change"))
        ]
        indexes = [models.Index(fields=["removed_at"], name="notifications_removed_age")]

    def __str__(self) -> str:
        return f"#{self.seq} of {self.user_id}"
