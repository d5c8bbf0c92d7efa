"""The admin pages of events, dead tasks, schedules and the audit log."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from celery import current_app
from celery.schedules import ParseException
from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django_celery_beat import admin as beat_admin
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from kombu.exceptions import OperationalError

from apps.common import audit
from apps.common.events import outbox
from apps.common.models import AuditEvent, DeadTask, DeclaredSchedule, OutboxEvent
from apps.common.tasks import celery_task


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for mypy only
    """Rows that only the product writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"
    states: ClassVar = {
        "pending": Q(done_at=None, dead_at=None, asked_at=None),
        "awaited": Q(done_at=None, dead_at=None, asked_at__isnull=False),
        "dead": Q(dead_at__isnull=False),
        "done": Q(done_at__isnull=False),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in self.states]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self.states.get(self.value() or "", Q()))


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "id",
        "created_at",
        "attempts",
        "asked",
        "due_at",
        "done_at",
        "dead_at",
        "request_id",
    )
    list_filter = (StateFilter, "name")
    search_fields = ("request_id", "name")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    actions = ("replay",)

    @admin.action(description="Replay dead events", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[OutboxEvent]) -> None:
        count = outbox.replay(event_ids=list(queryset.values_list("pk", flat=True)))
        self.message_user(request, f"{count} events are due again.", messages.SUCCESS)


@admin.register(DeadTask)
class DeadTaskAdmin(ReadOnlyAdmin):
    list_display = ("name", "task_id", "failed_at", "error_line", "request_id", "replayed_at")
    list_filter = ("name", ("replayed_at", admin.EmptyFieldListFilter))
    search_fields = ("request_id", "task_id", "name")
    ordering = ("-failed_at", "-id")
    show_full_result_count = False
    actions = ("replay",)

    @admin.display(description="error")
    def error_line(self, row: DeadTask) -> str:
        return row.error.partition("\n")[0][:120]

    @admin.action(description="Replay dead tasks", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadTask]) -> None:
        count = celery_task.replay(task_ids=list(queryset.values_list("pk", flat=True)))
        self.message_user(request, f"{count} tasks will run again.", messages.SUCCESS)


class ActionFilter(admin.SimpleListFilter):
    """The actions that slices declare. Reading those of the table would scan all of it."""

    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, action) for action in audit.known_actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "actor_id", "target", "target_id", "network", "request_id")
    list_filter = (ActionFilter, "at")
    search_fields = ("actor_id__exact", "target_id__exact", "request_id__exact")
    search_help_text = "The full id of an actor, of a target or of a request."
    ordering = ("-at", "-id")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # as above
    """Refuses schedules that beat fails to follow; django-celery-beat answers them with a status 500."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # no public hook runs after the instance has its new values
        if self.errors:
            return
        try:
            self.instance.schedule.is_due(timezone.now())
            str(self.instance)
        except Exception as error:  # noqa: BLE001  (any error that beat would raise)
            self.add_error(None, f"Beat cannot follow this schedule: {error}")


class ScheduleAdmin(beat_admin.ScheduleAdmin):  # type: ignore[misc]  # django-celery-beat has no types
    form = ScheduleForm


class CrontabAdmin(beat_admin.CrontabScheduleAdmin):  # type: ignore[misc]  # as above
    form = ScheduleForm

    def human_readable(self, row: CrontabSchedule) -> str:
        """The crontab in json_type, or the crontab itself if it has no description."""
        try:
            return str(row.human_readable)
        except ParseException:
            return str(row)


class PeriodicTaskForm(beat_admin.PeriodicTaskForm):  # type: ignore[misc]  # as above
    """Refuses unknown tasks, and arguments of the wrong JSON type."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        current_app.loader.import_default_modules()
        if data.get("enabled") and data["task"] not in current_app.tasks:
            self.add_error("task", "No task has this name.")
        for name, kind, json_type in (
            ("args", list, "list"),
            ("kwargs", dict, "object"),
            ("headers", dict, "object"),
        ):
            try:
                if not isinstance(json.loads(data.get(name) or "null"), kind | None):
                    self.add_error(name, f"This is not a JSON {json_type}.")
            except ValueError as error:
                self.add_error(name, f"This is not JSON: {error}")
        return data


class PeriodicTaskAdmin(beat_admin.PeriodicTaskAdmin):  # type: ignore[misc]  # as above
    """Shows how a periodic task differs from its declaration in the code."""

    form = PeriodicTaskForm
    list_display = ("name", "enabled", "scheduler", "declared", "last_run_at", "note")
    readonly_fields = (*beat_admin.PeriodicTaskAdmin.readonly_fields, "declared")
    fieldsets = (
        (None, {"fields": ("name", "regtask", "task", "enabled", "declared", "description")}),
        *beat_admin.PeriodicTaskAdmin.fieldsets[1:],
    )

    @admin.display(description="declared by the code")
    def declared(self, row: PeriodicTask) -> str:
        from apps.common.tasks import schedules  # imports Celery's beat, which no other page needs

        found = DeclaredSchedule.objects.filter(name=row.name).first()
        if found is None:
            return "no"
        changed = schedules.edited_fields(row, found)
        if not changed:
            return "yes"
        return "changed here; declared: " + ", ".join(f"{name} {value}" for name, value in changed.items())

    @admin.display(description="note")
    def note(self, row: PeriodicTask) -> str:
        """The first line of the description: the reason for which a task was disabled."""
        return str(row.description).partition("\n")[0]

    def crontab_translation(self, row: PeriodicTask) -> str:
        return "" if row is None or row.crontab is None else str(row.crontab.human_readable)

    @admin.action(description="Run selected tasks")
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        try:
            super().run_tasks(request, queryset)
        except OperationalError:
            self.message_user(request, "The broker is unavailable. Try again later.", messages.ERROR)


for model, page in (
    (PeriodicTask, PeriodicTaskAdmin),
    (CrontabSchedule, CrontabAdmin),
    (IntervalSchedule, ScheduleAdmin),
    (SolarSchedule, ScheduleAdmin),
):
    admin.site.unregister(model)
    admin.site.register(model, page)
