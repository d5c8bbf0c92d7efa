"""Tickets: one connection each, within their time and their session; neither Redis nor logs contain them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django_redis import get_redis_connection

from apps.common.callers import Caller, CallerKind
from apps.common.exceptions import Denied
from apps.common.testing.users import UserFactory, access_token_for, actor_of, reference_of
from apps.users import services
from apps.users.services import tickets
from infrastructure.telemetry.redaction import redact, redact_text

pytestmark = pytest.mark.django_db
TICKETS = "/api/private/v1/tickets/"


@pytest.fixture
def user() -> Any:
    user = UserFactory.create()
    access_token_for(user)
    return user


def test_a_ticket_identifies_a_session_once(user: Any) -> None:
    ticket = services.issue_ticket(actor=actor_of(user))
    assert ticket.expires_in == 30
    assert services.redeem_ticket(ticket=ticket.ticket) == reference_of(user)
    assert services.redeem_ticket(ticket=ticket.ticket) is None
    for unknown in ("", "x" * 5000, "\ud800", "\x00", ticket.ticket.swapcase()):
        assert services.redeem_ticket(ticket=unknown) is None
    with pytest.raises(Denied):
        services.issue_ticket(actor=Caller(kind=CallerKind.USER, user=user))


def test_redis_keeps_only_the_digest_of_a_ticket(user: Any) -> None:
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


def test_of_many_concurrent_uses_of_a_ticket_one_succeeds(user: Any) -> None:
    ticket = services.issue_ticket(actor=actor_of(user)).ticket
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: services.redeem_ticket(ticket=ticket), range(40)))
    assert [one for one in found if one is not None] == [reference_of(user)]


def test_tickets_are_redacted() -> None:
    assert redact_text("GET /ws/chat/moor/?after=1&ticket=aB-c_9 HTTP/1.1") == (
        "GET /ws/chat/moor/?after=1&ticket=[redacted] HTTP/1.1"
    )
    assert redact({"ticket": "aB-c_9", "tickets": ["x"]}) == {"ticket": "[redacted]", "tickets": "[redacted]"}
