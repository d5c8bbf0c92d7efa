"""The files of the production shape against the code: variables, hidden zones, error codes, what each container has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.urls import reverse

from apps.api.openapi import error_codes
from config import env
from config.env import BASE_DIR
from config.zones import ZONES
from scripts import dotenv

COMPOSE: dict[str, Any] = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8"))
ROUTES = (BASE_DIR / "deploy" / "nginx" / "templates" / "sarsen.conf.template").read_text(encoding="utf-8")
EXAMPLE = (BASE_DIR / ".env.example").read_text(encoding="utf-8")
APP = ("web", "channels", "worker", "beat", "migrate")
# Set by the image itself, because they follow from how it is laid out.
OF_THE_IMAGE = {"DATA_DIR"}


def test_every_variable_reaches_the_containers_and_no_other() -> None:
    known = {variable.name for variable in env.variables()}
    given = set().union(*(COMPOSE["services"][name]["environment"] for name in APP))
    assert given == known - OF_THE_IMAGE


def test_required_values_have_no_default() -> None:
    text = (BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8")
    for name in dotenv.values():
        if name not in ("PUBLIC_URL", "SECURE_SSL"):
            uses = re.findall(rf"\$\{{{name}(.)(.)([^}}]*)", text)
            assert uses
            assert {use[:2] for use in uses} == {(":", "?")}
            assert all("make env" in use[2] for use in uses)


def test_example_names_only_what_is_read() -> None:
    known = {variable.name for variable in env.variables()}
    known |= set(re.findall(r"\$\{(\w+)", (BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8")))
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE, flags=re.MULTILINE))
    assert named - known == set()
    assert set(dotenv.values()) <= named


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_each_container_is_bounded_and_locked_in(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["stop_grace_period"] == "30s"
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"] == "10m"
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert "test" in service["healthcheck"]


def test_data_stores_have_no_way_out_and_one_service_is_published() -> None:
    services = COMPOSE["services"]
    assert COMPOSE["networks"]["inner"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert services[name]["networks"] == ["inner"]
    assert [name for name in services if "ports" in services[name]] == ["nginx"]
    assert services["nginx"]["ports"] == ["${HTTP_ADDRESS:-127.0.0.1}:${HTTP_PORT:-8080}:8080"]


def test_zones_that_are_not_exposed_are_not_routed() -> None:
    hidden = {zone.name for zone in ZONES if not zone.exposed}
    assert set(re.findall(r"location \^~ /api/(\w+)/ \{ return 404; \}", ROUTES)) == hidden
    assert set(re.findall(r"location = /api/(\w+) \{ return 404; \}", ROUTES)) == hidden


def edge_default(name: str) -> int:
    """The default of a variable of the edge, the same in compose and in the image."""
    (default,) = re.findall(r":-(\d+)\}$", COMPOSE["services"]["nginx"]["environment"][name])
    assert f" {name}={default}" in (BASE_DIR / "Dockerfile").read_text(encoding="utf-8")
    return int(default)


def test_sockets_and_requests_are_bounded_apart_at_the_edge() -> None:
    assert "\n    limit_conn requests_of_address ${EDGE_REQUESTS_PER_ADDRESS};\n" in ROUTES
    assert edge_default("EDGE_REQUESTS_PER_ADDRESS") == 200
    # What a location limits replaces what the server does: an open socket is no request.
    sockets = "limit_conn sockets_of_address ${EDGE_SOCKETS_PER_ADDRESS};"
    blocks = [block.partition("}\n")[0] for block in ROUTES.split("    location ")[1:]]
    to_channels = [block for block in blocks if "proxy_pass http://$channels" in block]
    assert len(to_channels) == 2
    for block in to_channels:
        assert sockets in block
        assert "client_max_body_size 1k;" in block
    assert "limit_req zone=handshakes" in to_channels[0]


def test_the_edge_lets_in_what_the_processes_would_take() -> None:
    bounds = ("SOCKETS_PER_ADDRESS", "STREAMS_PER_ADDRESS")
    of_an_address = [getattr(settings, name) for name in dir(settings) if name.endswith(bounds)]
    assert edge_default("EDGE_SOCKETS_PER_ADDRESS") >= sum(of_an_address)
    # All of them can come back within the 30 s that clients wait at most between two tries.
    assert edge_default("EDGE_HANDSHAKES_PER_SECOND") * 30 >= sum(of_an_address)


def test_codes_of_the_edge_are_in_the_catalogue() -> None:
    block = ROUTES.partition("map $status $problem_code {")[2].partition("}")[0]
    pairs = {int(status): code for status, code in re.findall(r"^\s+(\d+) (\w+);", block, flags=re.MULTILINE)}
    assert pairs
    known = {code.code: code.status for code in error_codes.codes()}
    assert {status: known.get(code) for status, code in pairs.items()} == {status: status for status in pairs}


def test_dot_env_is_written_once_and_completed_later(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert dotenv.complete(path) == list(dotenv.values())
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_text()
    assert dotenv.complete(path) == []
    assert path.read_text() == first
    path.write_text("export SECRET_KEY=kept\nPORT=1")
    assert "SECRET_KEY" not in dotenv.complete(path)
    assert path.read_text().startswith("export SECRET_KEY=kept\nPORT=1\nJWT_KEYS=k1:")


def test_dot_env_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert dotenv.main(["--print"]) == 0
    assert "REDIS_PASSWORD=" in capsys.readouterr().out
    assert dotenv.main(["--help"]) == 2
    assert "--print" in capsys.readouterr().err


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = self.path == "/readyz" and self.headers["Host"] == "127.0.0.1"
        self.send_response(200 if ready else 503)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def _check(*words: str, **values: str) -> int:
    command = [sys.executable, "-I", "deploy/health.py", *words]
    return subprocess.run(
        command, cwd=BASE_DIR, env={**os.environ, **values}, check=False, capture_output=True
    ).returncode


def test_health_by_request(port: int) -> None:
    assert _check("http", str(port), "/readyz") == 0
    assert _check("http", str(port), "/other") == 1


def test_health_of_nobody_is_bad(tmp_path: Path) -> None:
    assert _check("http", "1", "/readyz") == 1
    assert _check("file", "30", HEARTBEAT_FILE=str(tmp_path / "none")) == 1


def test_health_by_age(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    alive.touch()
    assert _check("file", "30", HEARTBEAT_FILE=str(alive)) == 0
    old = time.time() - 31
    os.utime(alive, (old, old))
    assert _check("file", "30", HEARTBEAT_FILE=str(alive)) == 1


def test_endless_answers_go_to_the_event_loop_unbuffered() -> None:
    path = reverse("api:private:v1:notifications:stream")
    found = re.findall(r"location ~ (\S+) \{(.*?)\n    \}", ROUTES, flags=re.DOTALL)
    (inside,) = [inside for pattern, inside in found if re.search(pattern, path)]
    assert "set $channels channels;" in inside
    assert "proxy_buffering off;" in inside
    others = [reverse("api:private:v1:notifications:list"), reverse("api:private:v1:users:me")]
    assert not any(re.search(pattern, other) for pattern, _ in found for other in others)
