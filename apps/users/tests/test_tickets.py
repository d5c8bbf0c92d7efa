"""Tickets: one connection each, within their time, for as long as the session lives; nothing of them in Redis or logs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection
from redis import Redis

from apps.common.callers import Caller, CallerKind
from apps.common.exceptions import Denied, Unavailable
from apps.users import services
from apps.users.models import Session, SessionEnd
from apps.users.services import tickets
from apps.users.tests.factories import UserFactory, access_token_for, bearer
from apps.users.types import SessionReference
from infrastructure.cache import redis as redis_client
from infrastructure.telemetry.redaction import redact, redact_text

pytestmark = pytest.mark.django_db
TICKETS = "/api/private/v1/tickets/"
STREAM = "/api/private/v1/notifications/stream/"


@pytest.fixture
def user() -> Any:
    user = UserFactory.create()
    access_token_for(user)
    return user


def reference_of(user: Any) -> SessionReference:
    return SessionReference(
        user_id=user.pk, session_id=Session.objects.filter(user=user).latest("created_at").pk
    )


def actor_of(user: Any) -> Caller:
    return Caller(kind=CallerKind.USER, user=user, session_id=reference_of(user).session_id)


def test_ticket_stands_for_a_session_once(user: Any) -> None:
    ticket = services.issue_ticket(actor=actor_of(user))
    assert ticket.expires_in == 30
    assert services.redeem_ticket(ticket=ticket.ticket) == reference_of(user)
    assert services.redeem_ticket(ticket=ticket.ticket) is None
    for unknown in ("", "x" * 5000, "\ud800", "\x00", ticket.ticket.swapcase()):
        assert services.redeem_ticket(ticket=unknown) is None
    with pytest.raises(Denied):
        services.issue_ticket(actor=Caller(kind=CallerKind.USER, user=user))


def test_redis_knows_a_ticket_by_its_digest_and_forgets_it(user: Any) -> None:
    ticket = services.issue_ticket(actor=actor_of(user)).ticket
    redis = get_redis_connection("default")
    key = tickets._key(ticket)
    assert ticket not in key
    assert redis.get(key) == "{0.user_id}:{0.session_id}".format(reference_of(user)).encode()
    assert 0 < redis.ttl(key) <= 30
    redis.pexpire(key, 1)
    while redis.exists(key):
        continue
    assert services.redeem_ticket(ticket=ticket) is None


def test_many_at_once_take_a_ticket_once(user: Any) -> None:
    ticket = services.issue_ticket(actor=actor_of(user)).ticket
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: services.redeem_ticket(ticket=ticket), range(40)))
    assert [one for one in found if one is not None] == [reference_of(user)]


def test_without_redis_there_are_no_tickets(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_ticket_opens_the_event_stream_and_nothing_else(client: Client, user: Any) -> None:
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
    # A token that is shown is judged, whatever else is.
    other = client.post(TICKETS, headers=bearer(user)).json()["ticket"]
    refused = client.get(f"{STREAM}?ticket={other}", headers={"Authorization": "Bearer x.y.z"})
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert services.redeem_ticket(ticket=other) is not None


def test_ticket_of_an_ended_session_opens_nothing(client: Client, user: Any) -> None:
    ticket = services.issue_ticket(actor=actor_of(user)).ticket
    Session.objects.filter(user=user).update(ended_at=timezone.now(), end_reason=SessionEnd.LOGOUT)
    answer = client.get(f"{STREAM}?ticket={ticket}")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


def test_tickets_are_redacted() -> None:
    assert redact_text("GET /ws/chat/moor/?after=1&ticket=aB-c_9 HTTP/1.1") == (
        "GET /ws/chat/moor/?after=1&ticket=[redacted] HTTP/1.1"
    )
    assert redact({"ticket": "aB-c_9", "tickets": ["x"]}) == {"ticket": "[redacted]", "tickets": "[redacted]"}
