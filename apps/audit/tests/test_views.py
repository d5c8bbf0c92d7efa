"""The audit log over REST: narrowed, paged, for admins only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from apps.common import audit
from apps.common.models import AuditEvent
from apps.common.testing.users import AdminFactory, UserFactory, bearer

pytestmark = pytest.mark.django_db
PATH = "/api/admin/v1/audit/"
START = datetime(2026, 11, 1, tzinfo=UTC)


class AuditAction(StrEnum):
    RAISED = "widgets.raised"
    FELLED = "widgets.felled"


@pytest.fixture
def api() -> Any:
    headers = bearer(AdminFactory.create())
    client = Client()
    return lambda query="": client.get(PATH + query, headers=headers)


def write(action: AuditAction, days: int, actor: UUID | None = None, target_id: str = "") -> AuditEvent:
    return audit.record(
        action=action,
        actor_id=actor,
        target="widget" if target_id else "",
        target_id=target_id,
        details={"day": days},
        now=START + timedelta(days=days),
    )


def test_a_row(api: Any) -> None:
    row = write(AuditAction.RAISED, 1, uuid4(), "heel")
    assert api().json()["results"] == [
        {
            "id": str(row.pk),
            "at": "2026-11-02T00:00:00Z",
            "action": "widgets.raised",
            "actor": str(row.actor_id),
            "target": "widget",
            "target_id": "heel",
            "network": "",
            "request_id": "",
            "details": {"day": 1},
        }
    ]


def test_it_is_narrowed(api: Any) -> None:
    ada = uuid4()
    write(AuditAction.RAISED, 0)
    write(AuditAction.FELLED, 1, ada)
    write(AuditAction.RAISED, 2, ada, "heel")
    write(AuditAction.RAISED, 3, None, "altar")
    for query, days in {
        "": [3, 2, 1, 0],
        "?action=widgets.raised": [3, 2, 0],
        "?action=widgets.": [],
        f"?actor={ada}": [2, 1],
        f"?actor={ada}&action=widgets.felled": [1],
        "?target=widget": [3, 2],
        "?target=widget:heel": [2],
        "?target=widget:": [],
        "?created_after=2026-11-03T00:00:00Z": [3, 2],
        "?created_after=2026-11-02&created_before=2026-11-04": [2, 1],
    }.items():
        response = api(query)
        assert [row["details"]["day"] for row in response.json()["results"]] == days, query


@pytest.mark.parametrize(
    "query",
    ["?actor=ada", "?action=%00", "?target=" + "a" * 106, "?created_after=soon", "?cursor=x", "?limit=0"],
)
def test_bad_queries_are_problems(api: Any, query: str) -> None:
    response = api(query)
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")


def test_pages_follow_one_another_at_the_same_cost(api: Any, django_assert_num_queries: Any) -> None:
    written = [write(AuditAction.RAISED, day).details["day"] for day in range(45)]
    seen: list[int] = []
    query = ""
    while True:
        with django_assert_num_queries(2):  # authentication, and the page
            page = api(query).json()
        seen += [row["details"]["day"] for row in page["results"]]
        if page["next"] is None:
            break
        query = page["next"].partition(PATH)[2]
    assert seen == written[::-1]


def test_other_callers_cannot_read_it() -> None:
    write(AuditAction.RAISED, 1)
    for headers, status in ((bearer(UserFactory.create(role="moderator")), 403), ({}, 401)):
        response = Client().get(PATH, headers=headers)
        assert response.status_code == status
        assert b"widgets" not in response.content


def test_no_method_writes() -> None:
    row = write(AuditAction.RAISED, 1)
    headers = bearer(AdminFactory.create())
    for method in ("post", "put", "patch", "delete"):
        assert getattr(Client(), method)(PATH, headers=headers).status_code == 405
    assert list(AuditEvent.objects.all()) == [row]
