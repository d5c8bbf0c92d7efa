"""The base of every model, and the shared tables: outbox, dead tasks, schedules, mails, stored answers, audit log."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone

from apps.common.database.ids import uuid7
from infrastructure.telemetry.context import MAX_REQUEST_ID


class UUIDModel(models.Model):
    """Has a UUIDv7 primary key (RFC 9562, section 5.7), which ascends with time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TimeStampedModel(models.Model):
    """Has the times of creation and last change, in UTC."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class BaseModel(UUIDModel, TimeStampedModel):
    """The base of most models: an ascending primary key, and both times."""

    class Meta:
        abstract = True


class OutboxEventQuerySet(models.QuerySet["OutboxEvent"]):
    def pending(self) -> OutboxEventQuerySet:
        return self.filter(done_at=None, dead_at=None)

    def due(self, now: datetime) -> OutboxEventQuerySet:
        """Pending events to handle now, the longest overdue first."""
        return self.pending().filter(due_at__lte=now).order_by("due_at", "id")

    def dead(self) -> OutboxEventQuerySet:
        """Events with too many failed attempts."""
        return self.filter(dead_at__isnull=False)


class OutboxEvent(UUIDModel):
    """An event, written in the transaction of its cause (apps.common.events)."""

    name = models.CharField(max_length=120)
    payload = models.JSONField(default=dict)
    request_id = models.CharField(max_length=MAX_REQUEST_ID, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    """The time of the next attempt."""
    attempts = models.PositiveSmallIntegerField(default=0)
    """The number of failed attempts."""
    handled = models.JSONField(default=list)
    """Names of finished handlers; later attempts skip them."""
    awaited = models.JSONField(default=list, db_default=[])
    """Names of unfinished handlers; empty before the first attempt."""
    asked = models.PositiveSmallIntegerField(default=0, db_default=0)
    """The number of times that its tasks were published."""
    asked_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="outbox_pending",
                condition=models.Q(done_at=None, dead_at=None),
            ),
            models.Index(fields=["done_at"], name="outbox_done", condition=models.Q(done_at__isnull=False)),
            models.Index(fields=["dead_at"], name="outbox_dead", condition=models.Q(dead_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class DeadTask(UUIDModel):
    """A task that failed permanently, or a message of the broker that is not a task; see `manage.py deadtasks`."""

    task_id = models.CharField(max_length=255)
    name = models.CharField(max_length=200, blank=True)
    """Empty for a message that names no task and so cannot be replayed."""
    args = models.JSONField(default=list)
    kwargs = models.JSONField(default=dict)
    error = models.TextField()
    traceback = models.TextField(blank=True)
    message = models.TextField(blank=True, default="", db_default="")
    """The text of a message that is not a task."""
    request_id = models.CharField(max_length=MAX_REQUEST_ID, blank=True)
    failed_at = models.DateTimeField(default=timezone.now)
    replayed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-failed_at"], name="deadtask_failed")]

    def __str__(self) -> str:
        return f"{self.name or 'no task'} {self.task_id}"


class DeclaredSchedule(models.Model):
    """The declaration of a periodic task at its last change (apps.common.tasks.schedules)."""

    name = models.CharField(max_length=200, primary_key=True)
    digest = models.CharField(max_length=64)
    values = models.JSONField(default=dict)
    """The declared fields, to detect changes made in the admin site."""
    written_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class SentMail(models.Model):
    """Marks a mail as sent (apps.common.mails), without its content or recipient."""

    key = models.CharField(max_length=150, primary_key=True)
    sent_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.key


class StoredAnswer(UUIDModel):
    """The answer to a call with an Idempotency-Key (apps.common.http.idempotency). Encrypted, since it may hold tokens."""

    caller = models.CharField(max_length=200)
    key = models.CharField(max_length=128)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="stored_answer_once")]

    def __str__(self) -> str:
        return f"{self.status} for {self.caller}"


class AuditEvent(UUIDModel):
    """A security-relevant action (apps.common.audit).

    Append-only: triggers refuse UPDATE, TRUNCATE, and DELETE before the retention ends. Without foreign keys, so that a
    row outlives its actor and its target.
    """

    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=80)
    actor_id = models.UUIDField(null=True, blank=True)
    target = models.CharField(max_length=40, blank=True, default="")
    target_id = models.CharField(max_length=64, blank=True, default="")
    network = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=MAX_REQUEST_ID, blank=True, default="")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["action", "-at", "-id"], name="audit_by_action"),
            models.Index(fields=["actor_id", "-at", "-id"], name="audit_by_actor"),
            models.Index(fields=["target", "target_id", "-at", "-id"], name="audit_by_target"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"
