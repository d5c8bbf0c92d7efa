"""Fixtures that every test can name. The project's `conftest.py` loads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # pytest loads this module before Django loads its apps
    from django.core.mail import EmailMessage

    from apps.common.testing.clients import Api
    from apps.users.models import User


@pytest.fixture
def public() -> Api:
    """An anonymous caller of the public zone."""
    from apps.common.testing.clients import Api

    return Api("public")


@pytest.fixture
def private() -> Callable[[User], Api]:
    """Makes a caller of the private zone, in a new session of a user."""
    from apps.common.testing import clients, users

    return lambda user: clients.Api("private", users.bearer(user))


@pytest.fixture
def admin() -> Callable[[User], Api]:
    """The same for the admin zone."""
    from apps.common.testing import clients, users

    return lambda user: clients.Api("admin", users.bearer(user))


@pytest.fixture
def service(db: None) -> Callable[..., Api]:
    """Makes a caller of the internal zone, with a new key for some routes or for all."""
    from apps.common.testing import clients

    return clients.service


@pytest.fixture
def user(db: None) -> User:
    """An account without special permissions."""
    from apps.common.testing import users

    return users.UserFactory.create()


@pytest.fixture
def relay() -> Iterator[Callable[[], list[EmailMessage]]]:
    """Runs the handlers of due events and of those that follow, and their tasks in place; returns the mails that they sent."""
    from celery import current_app
    from django.core import mail

    from apps.common.events import outbox

    conf = current_app.conf
    before = conf.task_always_eager, conf.task_eager_propagates
    conf.task_always_eager = conf.task_eager_propagates = True

    def run() -> list[EmailMessage]:
        mail.outbox.clear()
        while outbox.relay_due().taken:
            pass  # tasks of one round publish the events of the next
        return list(mail.outbox)

    yield run
    conf.task_always_eager, conf.task_eager_propagates = before


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The channels and frames that services push to open sockets. They reach no socket."""
    from infrastructure import realtime

    frames: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(realtime, "publish", lambda channel, frame: frames.append((channel, dict(frame))))
    return frames


@pytest.fixture
def clean_limits() -> Iterator[None]:
    """No attempt counts towards a rate limit, neither before the test nor after it."""
    from infrastructure.cache import redis

    redis.client().flushdb()
    yield
    redis.client().flushdb()
