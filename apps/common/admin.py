"""The admin pages of outbox events and dead tasks, to look at them and try them again, and of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.common import audit, celery_task, outbox
from apps.common.models import AuditEvent, DeadTask, OutboxEvent

if TYPE_CHECKING:  # generic for mypy only
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the system writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: the pages are for reading."""
        return False


class StateFilter(admin.SimpleListFilter):
    """Pending, published but not confirmed, done or dead."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The states."""
        return [(state, state) for state in ("pending", "awaited", "dead", "done")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events in that state."""
        match self.value():
            case "pending":
                return queryset.filter(done_at=None, dead_at=None, asked_at=None)
            case "awaited":
                return queryset.filter(done_at=None, dead_at=None, asked_at__isnull=False)
            case "dead":
                return queryset.filter(dead_at__isnull=False)
            case "done":
                return queryset.filter(done_at__isnull=False)
            case _:
                return queryset


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """Events on their way to their handlers."""

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

    @admin.action(description="Try dead events again", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[OutboxEvent]) -> None:
        """Make the selected dead events due."""
        count = outbox.replay(event_ids=list(queryset.values_list("pk", flat=True)))
        self.message_user(request, f"{count} events are due again.", messages.SUCCESS)


@admin.register(DeadTask)
class DeadTaskAdmin(ReadOnlyAdmin):
    """Background tasks that failed for good."""

    list_display = ("name", "task_id", "failed_at", "error_line", "request_id", "replayed_at")
    list_filter = ("name", ("replayed_at", admin.EmptyFieldListFilter))
    search_fields = ("request_id", "task_id", "name")
    ordering = ("-failed_at", "-id")
    show_full_result_count = False
    actions = ("replay",)

    @admin.display(description="error")
    def error_line(self, row: DeadTask) -> str:
        """The error's first line."""
        return row.error.partition("\n")[0][:120]

    @admin.action(description="Run failed tasks again", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadTask]) -> None:
        """Run the selected tasks that were not replayed yet."""
        count = celery_task.replay(task_ids=list(queryset.values_list("pk", flat=True)))
        self.message_user(request, f"{count} tasks will run again.", messages.SUCCESS)


class ActionFilter(admin.SimpleListFilter):
    """One of the actions that the slices declare; asking the table for those that occur would read all of it."""

    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The declared actions."""
        return [(action, action) for action in audit.known_actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events of that action."""
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """To look at only; the database refuses everything else."""

    list_display = ("at", "action", "actor_id", "target", "target_id", "network", "request_id")
    list_filter = (ActionFilter, "at")
    search_fields = ("actor_id__exact", "target_id__exact", "request_id__exact")
    search_help_text = "An id, as a whole: of who acted, of what it was done to, or of the request."
    ordering = ("-at", "-id")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False
