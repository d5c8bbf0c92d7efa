"""One trace from a REST call to the last socket: docs/operate.md, "Traces"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from apps.chat.tests.flows.test_broadcast import enter, receive
from apps.common.testing.processes import Site
from apps.common.testing.trace_collector import Collector, collecting
from apps.common.testing.waiting import wait_until


@pytest.fixture
def collector(environment: dict[str, str]) -> Iterator[Collector]:
    """Processes that start after it export to it."""
    with collecting() as found:
        environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": found.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        yield found


def test_a_posted_message_is_one_trace(
    collector: Collector, serve: Callable[[], Site], worker: Any, tmp_path: Path
) -> None:
    first, second = serve(), serve()
    ada, grace = first.join("ada"), second.join("grace")
    room = f"flow-{uuid4().hex[:8]}"
    rooms = "/api/private/v1/chat/rooms/"
    first.http.post(rooms, json={"slug": room, "name": "Flow"}, headers=ada.headers)
    second.http.post(f"{rooms}{room}/join/", headers=grace.headers)
    with enter(second, room, grace) as there:
        posted = first.http.post(
            f"{rooms}{room}/messages/", json={"message": f"<@{grace.id}> hello"}, headers=ada.headers
        )
        assert posted.status_code == 201, posted.text
        receive(there, "message")
    trace = posted.headers["X-Request-ID"]
    expected = {"POST chat_messages_post", "event chat.message_noticed", "push to sockets"}

    def is_complete() -> bool:
        names = collector.names(trace)
        return expected <= set(names) and any(name.startswith("task apps.chat.") for name in names)

    wait_until(is_complete, "the parts of the trace arrive", seconds=30)
    spans = collector.of(trace)
    (root,) = (span for span in spans if not span.parent_span_id)
    assert {span.parent_span_id for span in spans if span.name.startswith(("event ", "task "))} == {
        root.span_id
    }
    by_id = {span.span_id for span in spans}
    assert [span.name for span in spans if span.parent_span_id and span.parent_span_id not in by_id] == []
    assert {"INSERT", "SELECT"} & {span.name for span in spans}, "statements"
    logs = [line for path in tmp_path.glob("*.log") for line in path.read_text(encoding="utf-8").splitlines()]
    assert any(f"trace_id={trace}" in line and "task.done" in line for line in logs)
    assert json.dumps(grace.email) not in str(spans)


def test_a_socket_frame_is_one_trace(collector: Collector, serve: Callable[[], Site]) -> None:
    first, second = serve(), serve()
    ada, grace = first.join("ada"), second.join("grace")
    room = f"flow-{uuid4().hex[:8]}"
    rooms = "/api/private/v1/chat/rooms/"
    first.http.post(rooms, json={"slug": room, "name": "Flow"}, headers=ada.headers)
    second.http.post(f"{rooms}{room}/join/", headers=grace.headers)
    with enter(first, room, ada) as here, enter(second, room, grace) as there:
        here.send(json.dumps({"message": "hello", "client_id": str(uuid4())}))
        receive(there, "message")

    def joined() -> set[str]:
        frames = {span.trace_id for span in collector.spans if span.name == "socket frame"}
        return frames & {span.trace_id for span in collector.spans if span.name == "push to sockets"}

    wait_until(lambda: bool(joined()), "the frame and its push are of one trace", seconds=30)
