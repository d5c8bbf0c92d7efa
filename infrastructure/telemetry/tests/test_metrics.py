"""The exposition, of one process and of several."""

import subprocess
import sys

import pytest

from infrastructure.product import PRODUCT
from infrastructure.telemetry import metrics, shared_metrics


def test_requests_are_counted_by_zone_route_method_and_status():
    for seconds in (0.001, 0.2):
        metrics.observe_request(
            zone="private", operation="of_this_test", method="GET", status=200, seconds=seconds
        )
    text = metrics.exposition().decode()
    labels = 'method="GET",operation="of_this_test",status="200",zone="private"'
    assert f"{PRODUCT.identifier}_http_request_seconds_count{{{labels}}} 2.0" in text
    assert f'{PRODUCT.identifier}_http_request_seconds_bucket{{le="0.002",{labels}}} 1.0' in text
    assert not metrics.is_shared()


COUNT = """
import os, sys
from pathlib import Path
from infrastructure.telemetry import shared_metrics
folder = shared_metrics.begin(Path(sys.argv[1]))
assert shared_metrics.begin() == folder
from infrastructure.telemetry import metrics

def child(slot):
    if os.fork() == 0:
        if slot is not None:
            shared_metrics.enter(slot)
        metrics.RATE_LIMITED.labels("x").inc()
        metrics.SOCKETS.labels("example").inc(2)
        os._exit(0)
    os.wait()

metrics.RATE_LIMITED.labels("x").inc()
for slot in (0, 1, 0, None):
    child(slot)
before = sorted(path.name.partition("pid")[0] for path in folder.iterdir())
shared_metrics.leave(1)
assert metrics.is_shared()
print(before)
print(metrics.exposition().decode())
"""


def test_processes_that_share_a_folder_add_up(tmp_path):
    stale = tmp_path / f"{PRODUCT.slug}-metrics-of-a-killed-server"
    stale.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(tmp_path)], capture_output=True, check=True, timeout=30, text=True
    )
    # Five increments of a counter. The gauge of slot 0 was restarted by its second process, and that of slot 1 dropped.
    assert f'{PRODUCT.identifier}_rate_limited_total{{scope="x"}} 5.0' in done.stdout
    assert f'{PRODUCT.identifier}_sockets{{kind="example"}} 4.0' in done.stdout
    assert "counter_0.db" in done.stdout.splitlines()[0]
    # What was left before is removed at the start, the folder itself at the end.
    assert list(tmp_path.iterdir()) == [other]


def test_the_folder_comes_before_the_metrics(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_metrics, "_folder", None)
    with pytest.raises(RuntimeError, match="Call shared_metrics"):
        shared_metrics.begin(tmp_path)
