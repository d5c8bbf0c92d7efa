"""Users, HTTP calls by zone, and the consequences of a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from celery import current_app
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.common.events import outbox
from apps.users.models import User
from apps.users.tests import factories
from infrastructure import realtime
from infrastructure.cache import redis


class Api:
    """JSON calls below `/api/`, as a user or anonymous."""

    def __init__(self, zone: str, headers: dict[str, str] | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.root = f"/api/{zone}/v1/"
        self.headers = headers or {}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response; its body is JSON, problem, or empty."""
        sends = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method)(self.root + path, headers={**self.headers, **headers}, **sends)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("post", path, body, **headers)

    def put(self, path: str, body: Any = None) -> Any:
        return self.call("put", path, body)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.call("patch", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.call("delete", path, body)


@pytest.fixture
def public() -> Api:
    return Api("public")


@pytest.fixture
def private() -> Callable[[User], Api]:
    return lambda user: Api("private", factories.bearer(user))


@pytest.fixture
def admin() -> Callable[[User], Api]:
    return lambda user: Api("admin", factories.bearer(user))


@pytest.fixture
def user(db: None) -> User:
    return factories.UserFactory.create()


@pytest.fixture
def clean_limits() -> Iterator[None]:
    """Resets the counters of attempts."""
    redis.client().flushdb()
    yield
    redis.client().flushdb()


@pytest.fixture
def relay() -> Iterator[Callable[[], list[mail.EmailMessage]]]:
    """Passes events to their handlers and runs the tasks directly; returns the mails."""
    before = current_app.conf.task_always_eager, current_app.conf.task_eager_propagates
    current_app.conf.task_always_eager = current_app.conf.task_eager_propagates = True

    def run() -> list[mail.EmailMessage]:
        mail.outbox.clear()
        outbox.relay_due()
        return list(mail.outbox)

    yield run
    current_app.conf.task_always_eager, current_app.conf.task_eager_propagates = before


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """The notifications of sockets."""
    told: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(realtime, "publish", lambda channel, payload: told.append((channel, dict(payload))))
    return told


@pytest.fixture
def queries() -> Callable[[int], AbstractContextManager[CaptureQueriesContext]]:
    """`with queries(2):` fails unless exactly that many statements ran."""

    @contextmanager
    def counted(expected: int) -> Iterator[CaptureQueriesContext]:
        with CaptureQueriesContext(connection) as captured:
            yield captured
        statements = [query["sql"] for query in captured.captured_queries]
        assert len(statements) == expected, "\n".join(statements)

    return counted


def code_of(response: Any) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert response["Content-Type"] == "application/problem+json", response.content
    return response.status_code, response.json()["code"]
