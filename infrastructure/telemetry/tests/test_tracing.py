"""Traces: not even imported when off, and found again by the request id when on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from config.env import BASE_DIR
from infrastructure.telemetry import tracing


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:1"])
def test_opentelemetry_is_imported_only_when_it_is_on(endpoint: str) -> None:
    program = (
        "import config.asgi, sys; from config.celery import app; app.finalize(); app.tasks;"
        "from infrastructure import lazy_import; lazy_import.load();"
        "print(any(m for name, m in sys.modules.items() if name.partition('.')[0] == 'opentelemetry'))"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{bool(endpoint)}\n"


def test_ids_follow_from_the_request_id() -> None:
    request_id = "0123456789abcdef0123456789abcdef"
    trace, span = tracing._ids(request_id)
    assert f"{trace:032x}" == request_id
    assert 0 < span < 2**64
    assert tracing._ids(request_id) == (trace, span)
    for other in ("order-7", "z" * 32, "0" * 32):
        assert 0 < tracing._ids(other)[0] < 2**128
    assert not tracing.is_on()
    assert (tracing.current(), tracing.trace_id()) == (b"", "")
