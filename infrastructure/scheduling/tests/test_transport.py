"""Connections to a broker that is lost."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import pytest
from kombu import Consumer, Queue
from kombu.common import ignore_errors

from config.celery import app
from infrastructure.realtime.tests.gate import Gate

QUEUE = "lost"


def test_a_task_that_outlives_its_connection_ends_no_worker(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(settings.REDIS_URL)
    taken: list[Any] = []
    with Gate(str(address.hostname), int(address.port or 6379)) as gate:
        url = address._replace(netloc=f":{address.password or ''}@127.0.0.1:{gate.port}").geturl()
        connection = app.connection_for_read(url=url)
        # As a worker has them: one for tasks, one for remote control.
        channels = [connection.default_channel, connection.channel()]
        for number, channel in enumerate(channels):
            Consumer(channel, queues=[Queue(f"{QUEUE}{number}")], on_message=taken.append).consume()
        connection.Producer().publish({}, routing_key=f"{QUEUE}0")
        connection.drain_events(timeout=5)
        assert len(taken) == 1
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.05)  # both go on waiting for messages
        gate.close()
        # As Celery's consumer does after a connection error, before it connects again,
        connection.collect(socket_timeout=1)
        ignore_errors(connection, connection.close)
        # and when the task has ended meanwhile.
        taken[0].ack_log_error(logging.getLogger(__name__), connection.connection_errors)
    assert "The connection to the broker was given up." in caplog.text
