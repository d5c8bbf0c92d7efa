"""Tickets open the event stream: once, while the session lives, and not without Redis."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from redis import Redis

from apps.common.exceptions import Unavailable
from apps.common.testing.users import UserFactory, access_token_for, actor_of, bearer
from apps.users import services
from apps.users.models import Session, SessionEnd
from infrastructure.cache import redis as redis_client

pytestmark = pytest.mark.django_db
TICKETS = "/api/private/v1/tickets/"
STREAM = "/api/private/v1/notifications/stream/"


@pytest.fixture
def user() -> Any:
    user = UserFactory.create()
    access_token_for(user)
    return user


def test_without_redis_no_tickets_are_issued(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = services.issue_ticket(actor=actor_of(user)).ticket
    monkeypatch.setattr(redis_client, "client", lambda: Redis.from_url("redis://127.0.0.1:1/0"))
    with pytest.raises(Unavailable):
        services.issue_ticket(actor=actor_of(user))
    with pytest.raises(Unavailable):
        services.redeem_ticket(ticket=ticket)
    for answer in (
        Client().post(TICKETS, headers=bearer(user)),
        Client().get(f"{STREAM}?ticket={ticket}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer["Retry-After"]) > 0


def test_a_ticket_opens_only_the_event_stream(client: Client, user: Any) -> None:
    assert client.post(TICKETS).status_code == 401
    answer = client.post(TICKETS, headers=bearer(user))
    assert answer.status_code == 201
    assert set(answer.json()) == {"ticket", "expires_in"}
    ticket = answer.json()["ticket"]
    for path in ("users/me/", "notifications/", "tickets/"):
        assert client.get(f"/api/private/v1/{path}?ticket={ticket}").status_code == 401
    assert client.post(f"{TICKETS}?ticket={ticket}").status_code == 401
    opened: Any = client.get(f"{STREAM}?ticket={ticket}")
    assert (opened.status_code, b"".join(opened.streaming_content)) == (200, b"retry: 3000\n\n")
    again = client.get(f"{STREAM}?ticket={ticket}")
    assert (again.status_code, again.json()["code"]) == (401, "ticket_invalid")
    # A token is always judged.
    other = client.post(TICKETS, headers=bearer(user)).json()["ticket"]
    refused = client.get(f"{STREAM}?ticket={other}", headers={"Authorization": "Bearer x.y.z"})
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert services.redeem_ticket(ticket=other) is not None


def test_a_ticket_of_an_ended_session_is_refused(client: Client, user: Any) -> None:
    ticket = services.issue_ticket(actor=actor_of(user)).ticket
    Session.objects.filter(user=user).update(ended_at=timezone.now(), end_reason=SessionEnd.LOGOUT)
    answer = client.get(f"{STREAM}?ticket={ticket}")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
