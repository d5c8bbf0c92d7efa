"""Settings and fixtures of all tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TransactionTestCase

from apps.common.tests import baseline
from infrastructure.telemetry import context

pytest_plugins = ["apps.common.testing.fixtures"]


@pytest.fixture(autouse=True)
def outside_of_any_request() -> None:
    """A test client answers in the test's own thread, which keeps what the last request bound to it."""
    context.clear()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests that commit leave the database as the migrations made it, without Django's flush of every table."""
    with django_db_blocker.unblock():
        baseline.keep()
    TransactionTestCase._fixture_teardown = lambda self: baseline.restore()  # type: ignore[attr-defined]  # noqa: SLF001
