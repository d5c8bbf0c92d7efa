"""Rows of the audit log: their content, their redaction, and their protection from changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import uuid4

import pytest
from django.contrib.admin import site
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from apps.common import audit, tasks
from apps.common.admin import ActionFilter
from apps.common.http.middleware.request_context import RequestContextMiddleware
from apps.common.models import AuditEvent
from infrastructure.telemetry import context

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


class AuditAction(StrEnum):
    RAISED = "widgets.raised"
    UNNAMED = "raised"


def test_a_row_has_actor_action_target_and_time() -> None:
    actor, widget = uuid4(), uuid4()
    row = audit.record(
        action=AuditAction.RAISED,
        actor_id=actor,
        target="widget",
        target_id=widget,
        details={"height": 4, "by": ["rope", None]},
        now=NOW,
    )
    row.refresh_from_db()
    assert (row.at, row.action, row.actor_id) == (NOW, "widgets.raised", actor)
    assert (row.target, row.target_id) == ("widget", str(widget))
    assert row.details == {"height": 4, "by": ["rope", None]}
    assert (row.network, row.request_id) == ("", "")


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("", "")],
)
def test_network_and_id_are_those_of_the_request(rf: RequestFactory, address: str, network: str) -> None:
    rows: list[AuditEvent] = []

    def view(request: object) -> object:
        from django.http import HttpResponse

        rows.append(audit.record(action=AuditAction.RAISED, actor_id=None))
        return HttpResponse()

    request = rf.get("/", REMOTE_ADDR=address, headers={"X-Request-ID": "trace-0001"})
    RequestContextMiddleware(view)(request)  # type: ignore[arg-type]
    assert (rows[0].network, rows[0].request_id) == (network, "trace-0001")
    context.clear()
    assert context.network() == ""


def test_secrets_and_email_addresses_are_redacted() -> None:
    row = audit.record(
        action=AuditAction.RAISED,
        actor_id=None,
        details={"password": "hunter22", "said": "mail to ada@example.com", "code": "wrong_password"},
    )
    assert row.details == {
        "password": "[redacted]", "said": "mail to [redacted]", "code": "wrong_password",
    }  # fmt: skip


def test_invalid_actions_and_long_details_are_refused() -> None:
    with pytest.raises(ValueError, match="named"):
        audit.record(action=AuditAction.UNNAMED, actor_id=None)
    with pytest.raises(ValueError, match="2000"):
        audit.record(action=AuditAction.RAISED, actor_id=None, details={"text": "a" * 2_000})
    with pytest.raises(TypeError):
        audit.record(action=AuditAction.RAISED, actor_id=None, details={"at": NOW})
    assert not AuditEvent.objects.exists()


def test_a_rollback_removes_the_row() -> None:
    with transaction.atomic():
        audit.record(action=AuditAction.RAISED, actor_id=None)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditEvent.objects.update(action="widgets.felled"),
        lambda: AuditEvent.objects.all().delete(),
        lambda: connection.cursor().execute("DELETE FROM common_auditevent"),
        lambda: connection.cursor().execute(
            "SET LOCAL append_only.truncate = ''; TRUNCATE common_auditevent"
        ),
        # Even the retention cannot delete a row of the last 30 days.
        lambda: connection.cursor().execute(
            "SET LOCAL append_only.retention = 'on'; DELETE FROM common_auditevent"
        ),
    ],
    ids=["update", "delete", "sql", "truncate", "young"],
)
def test_the_database_refuses_changes(change: Callable[[], object]) -> None:
    row = audit.record(action=AuditAction.RAISED, actor_id=None)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change()
    row.refresh_from_db()
    assert row.action == "widgets.raised"


@pytest.mark.django_db(transaction=True)
def test_flush_refuses_to_empty_the_audit_log_without_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    audit.record(action=AuditAction.RAISED, actor_id=None)
    with connection.cursor() as cursor:
        cursor.execute("SET append_only.truncate = ''")  # as outside of tests
        try:
            with pytest.raises(CommandError, match=r"append-only.* manage\.py flush --with-audit-log"):
                call_command("flush", interactive=False)
            assert AuditEvent.objects.count() == 1
            call_command("flush", "--with-audit-log", interactive=False)
            assert AuditEvent.objects.count() == 0
            audit.record(action=AuditAction.RAISED, actor_id=None)
            with pytest.raises(DatabaseError, match="append-only"):
                cursor.execute("TRUNCATE common_auditevent")
        finally:
            cursor.execute("SET append_only.truncate = 'on'")


def test_only_the_retention_deletes_an_old_row(settings) -> None:
    settings.AUDIT_RETENTION = timedelta(days=60)
    now = timezone.now()
    old, kept = (
        audit.record(action=AuditAction.RAISED, actor_id=None, now=now - timedelta(days=days))
        for days in (61, 59)
    )
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=old.pk).delete()
    tasks.prune_audit.apply()
    assert list(AuditEvent.objects.all()) == [kept]
    assert audit.prune(now=now + timedelta(days=2)) == 1


def test_the_admin_site_is_read_only(rf: RequestFactory) -> None:
    page = site.get_model_admin(AuditEvent)
    request = rf.get("/admin/")
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    actions = ActionFilter(request, {}, AuditEvent, page).lookups(request, page)
    assert ("users.role_changed", "users.role_changed") in actions
    assert audit.known_actions() == sorted(action for action, _ in actions)
