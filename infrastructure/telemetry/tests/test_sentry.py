"""What leaves for Sentry."""

from __future__ import annotations

import pytest
import sentry_sdk

from infrastructure import telemetry
from infrastructure.telemetry import context, sentry


@pytest.fixture
def sent():
    """Events as a client would send them."""
    events = []

    class Transport(sentry_sdk.transport.Transport):
        def capture_envelope(self, envelope):
            events.extend(item.payload.json for item in envelope.items if item.headers["type"] == "event")

    telemetry.configure(
        json=True, environment="staging", sentry_dsn="https://public@sentry.invalid/1", release="1.2.3"
    )
    client = sentry_sdk.get_client()
    client.transport = Transport(client.options)
    yield events
    sentry_sdk.get_global_scope().set_client(None)


def test_an_event_names_its_request_and_no_secret(sent):
    with context.bound(request_id="request-0001"):
        try:
            password = "hunter2"
            raise ValueError(f"password={password}")
        except ValueError:
            sentry_sdk.add_breadcrumb(message="GET /?token=hunter2", data={"Authorization": "hunter2"})
            sentry_sdk.capture_exception()
    [event] = sent
    assert (event["environment"], event["release"]) == ("staging", "1.2.3")
    assert event["tags"]["request_id"] == "request-0001"
    assert event["exception"]["values"][0]["value"] == "password=[redacted]"
    # The source lines of the traceback are part of the event, the values of variables are not.
    assert "vars" not in event["exception"]["values"][0]["stacktrace"]["frames"][0]
    assert "hunter2" not in repr(event["breadcrumbs"])
    options = sentry_sdk.get_client().options
    assert not options["send_default_pii"]
    assert options["max_request_body_size"] == "never"


def test_request_data_and_users_are_omitted():
    event = {
        "request": {
            "url": "https://x/?token=abc",
            "cookies": {"a": "b"},
            "data": "x",
            "env": {"REMOTE_ADDR": "1.2.3.4"},
        },
        "user": {"id": "7", "email": "ada@example.com", "ip_address": "1.2.3.4"},
    }
    context.clear()
    assert sentry.scrub(event, {}) == {"request": {"url": "https://x/?token=[redacted]"}, "user": {"id": "7"}}
    assert sentry.scrub({"user": {"email": "ada@example.com"}}, {}) == {"user": {}}
    assert sentry.scrub({}, {}) == {}


def test_without_a_dsn_nothing_starts():
    telemetry.configure(json=True, environment="test")
    assert not sentry_sdk.get_client().is_active()
