"""A server with the streams of one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.common.testing.servers import Site, serving
from apps.common.testing.waiting import wait_until
from apps.notifications.live import quota


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Site]:
    with serving(Site) as site:
        yield site


@pytest.fixture
def site(transactional_db: None, server: Site) -> Iterator[Site]:
    site = Site(server.port)
    yield site
    site.hang_up()
    wait_until(lambda: quota.count() == 0)
