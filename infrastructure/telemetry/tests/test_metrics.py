"""The exposition, of one process and of several."""

import os
import subprocess
import sys

from infrastructure.product import PRODUCT
from infrastructure.telemetry import metrics


def test_requests_are_counted_by_zone_route_method_and_status():
    for seconds in (0.001, 0.2):
        metrics.observe_request(zone="private", route="users/me/", method="GET", status=200, seconds=seconds)
    text = metrics.exposition().decode()
    labels = 'method="GET",route="users/me/",status="200",zone="private"'
    assert f"{PRODUCT.identifier}_http_request_seconds_count{{{labels}}} 2.0" in text
    assert f'{PRODUCT.identifier}_http_request_seconds_bucket{{le="0.002",{labels}}} 1.0' in text
    assert not metrics.is_shared()


def test_processes_that_share_a_folder_are_one(tmp_path):
    program = (
        "import sys; from infrastructure.telemetry import metrics;"
        "metrics.RATE_LIMITED.labels('x').inc(); metrics.SOCKETS.labels('example').set(2);"
        "sys.stdout.buffer.write(metrics.exposition()); assert metrics.is_shared()"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for count in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True, timeout=30
        )
        assert f'{PRODUCT.identifier}_rate_limited_total{{scope="x"}} {count}.0' in done.stdout.decode()
