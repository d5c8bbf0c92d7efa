"""Tickets for the sockets of chat and notifications, on a real server."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.callers import Caller, CallerKind
from apps.common.testing.users import access_token_for
from apps.users import services
from apps.users.models import Session, SessionEnd
from infrastructure import realtime
from infrastructure.cache import redis as redis_client


def ticket_of(user: Any) -> str:
    access_token_for(user)
    session = Session.objects.filter(user=user).latest("created_at")
    return services.issue_ticket(actor=Caller(kind=CallerKind.USER, user=user, session_id=session.pk)).ticket


@pytest.fixture
def member(site: Site) -> Any:
    return member_of(RoomFactory.create(slug="moor"))


@pytest.mark.parametrize("path", ["/ws/chat/moor/", "/ws/notifications/"])
def test_a_ticket_opens_one_socket_that_ends_with_its_session(site: Site, member: Any, path: str) -> None:
    url = f"ws://{site.host}{path}?ticket={ticket_of(member)}"
    socket = site.connect(url)
    assert socket.frame()["type"] == "welcome"
    assert site.connect(url).close_code() == 4401
    realtime.publish(f"session:{Session.objects.get(user=member).pk}", {"type": "session.ended"})
    assert socket.close_code(timeout=5) == 4408


@pytest.mark.parametrize("path", ["/ws/chat/moor/", "/ws/notifications/"])
def test_a_ticket_of_an_ended_session_is_refused(site: Site, member: Any, path: str) -> None:
    url = f"ws://{site.host}{path}?ticket={ticket_of(member)}"
    Session.objects.filter(user=member).update(ended_at=timezone.now(), end_reason=SessionEnd.LOGOUT)
    assert site.connect(url).close_code() == 4401


@pytest.mark.parametrize("path", ["/ws/chat/moor/", "/ws/notifications/"])
def test_a_token_takes_precedence_over_a_ticket(site: Site, member: Any, path: str) -> None:
    ticket = ticket_of(member)
    refused = site.connect(
        f"ws://{site.host}{path}?ticket={ticket}", additional_headers={"Authorization": "Bearer x.y.z"}
    )
    assert refused.close_code() == 4401
    assert site.connect(f"ws://{site.host}{path}?ticket={ticket}").frame()["type"] == "welcome"


@pytest.mark.parametrize("path", ["/ws/chat/moor/", "/ws/notifications/"])
def test_without_redis_a_ticket_is_refused_and_a_token_is_not(
    site: Site, member: Any, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"ws://{site.host}{path}"
    ticket = ticket_of(member)
    monkeypatch.setattr(redis_client, "client", lambda: Redis.from_url("redis://127.0.0.1:1/0"))
    assert site.connect(f"{url}?ticket={ticket}").close_code() == 1012
    assert site.connect(f"{url}?token={access_token_for(member)}").frame()["type"] == "welcome"
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
