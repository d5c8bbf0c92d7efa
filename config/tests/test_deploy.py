"""The files of the production shape against the code: variables, hidden zones, error codes, contents of containers."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.conf import settings
from django.db import connection
from django.db.utils import ConnectionHandler
from django.test import Client, override_settings
from psycopg import sql
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from apps.api.openapi import error_codes
from apps.api.zones.table import Zone
from apps.common.http.middleware import security_headers
from config import env
from config.env import BASE_DIR
from config.tests import fresh
from config.zones import ZONES
from infrastructure import dot_env, problem_documents
from infrastructure.embedded import binaries, data_dirs
from infrastructure.embedded.postgres import free_port
from infrastructure.product import PRODUCT
from scripts import dotenv

COMPOSE: dict[str, Any] = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8"))
ROUTES = (BASE_DIR / "deploy" / "nginx" / "templates" / "site.conf.template").read_text(encoding="utf-8")
PROBLEM = (BASE_DIR / "deploy" / "nginx" / "problem.conf").read_text(encoding="utf-8")
EXAMPLE = (BASE_DIR / ".env.example").read_text(encoding="utf-8")
APP = ("web", "channels", "worker", "beat", "migrate")
# Set by the image itself, because they follow from how it is laid out.
OF_THE_IMAGE = {"COMMIT", "DATA_DIR"}


def test_every_variable_reaches_the_containers_and_no_other() -> None:
    known = {variable.name for variable in env.variables()}
    given = set().union(*(COMPOSE["services"][name]["environment"] for name in APP))
    assert given == known - OF_THE_IMAGE


def test_required_values_have_no_default() -> None:
    text = (BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8")
    for name in dotenv.values():
        if name not in ("PUBLIC_URL", "SECURE_SSL", "COMPOSE_PROJECT_NAME", "BACKUP_KEY", "GRAFANA_PASSWORD"):
            uses = re.findall(rf"\$\{{{name}(.)(.)([^}}]*)", text)
            assert uses
            assert {use[:2] for use in uses} == {(":", "?")}
            assert all("make env" in use[2] for use in uses)


def test_the_example_has_only_used_variables() -> None:
    known = {variable.name for variable in env.variables()}
    known |= set(re.findall(r"\$\{(\w+)", (BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8")))
    commands = (BASE_DIR / "deploy").glob("*.py")
    known |= {
        name
        for path in commands
        for name in re.findall(r'\.value\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE, flags=re.MULTILINE))
    assert named - known == {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}  # compose's own
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
    for name in ("postgres", "redis", "prometheus"):
        assert services[name]["networks"] == ["inner"]
    assert [name for name in services if "ports" in services[name]] == ["nginx", "grafana"]
    assert services["grafana"]["ports"] == ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"]
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
    # Limits of a location replace those of the server: an open socket is no request.
    sockets = "limit_conn sockets_of_address ${EDGE_SOCKETS_PER_ADDRESS};"
    blocks = [block.partition("}\n")[0] for block in ROUTES.split("    location ")[1:]]
    to_channels = [block for block in blocks if "proxy_pass http://$channels" in block]
    assert len(to_channels) == 2
    for block in to_channels:
        assert sockets in block
        assert "client_max_body_size 1k;" in block
    assert "limit_req zone=handshakes" in to_channels[0]


def test_limits_of_the_edge_are_not_below_those_of_the_processes() -> None:
    bounds = ("SOCKETS_PER_ADDRESS", "STREAMS_PER_ADDRESS")
    of_an_address = [getattr(settings, name) for name in dir(settings) if name.endswith(bounds)]
    assert edge_default("EDGE_SOCKETS_PER_ADDRESS") >= sum(of_an_address)
    # All of them can reconnect within the 30 s that clients wait at most between two attempts.
    assert edge_default("EDGE_HANDSHAKES_PER_SECOND") * 30 >= sum(of_an_address)


def test_endless_responses_and_no_others_go_to_the_event_loop() -> None:
    (block,) = re.findall(r"location ~ (\S+stream/\$) \{(.*?)\n    \}", ROUTES, flags=re.DOTALL)
    assert "set $channels ${EDGE_CHANNELS};" in block[1]
    assert "proxy_buffering off;" in block[1]
    paths: dict[str, bool] = {}
    for file in (BASE_DIR / "docs" / "api").glob("*.v1.yaml"):
        for path, operations in yaml.safe_load(file.read_text(encoding="utf-8"))["paths"].items():
            paths[path] = "text/event-stream" in json.dumps(operations, default=str)
    assert paths
    assert {path: bool(re.search(block[0], path)) for path in paths} == paths


@pytest.mark.parametrize("page", ["deploy.md", "operate.md"])
def test_the_walk_runs_every_command_of_the_pages(page: str) -> None:
    text = (BASE_DIR / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    walk = "".join(
        path.read_text(encoding="utf-8") for path in (BASE_DIR / "deploy" / "journey").glob("*.py")
    )
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    assert lines
    for line in lines:
        words = line.split()
        if words[0] == "make" and words[1] != "env":
            assert f'stack.make("{words[1]}"' in walk, line
        elif words[:2] == ["docker", "compose"] and words[2] not in ("up", "exec"):
            assert f'compose("{words[2]}"' in walk, line
        else:
            assert line in _RUN_IN_OTHER_WORDS


# Stack.__init__ writes variables by scripts/dotenv.py, Stack.up starts; as_user.administration makes the admin.
_RUN_IN_OTHER_WORDS = {
    "make env",
    "docker compose up --build --wait",
    "docker compose exec web python manage.py createsuperuser",
    "git pull",
}


def test_codes_of_the_edge_are_in_the_catalogue() -> None:
    block = ROUTES.partition("map $status $problem_code {")[2].partition("}")[0]
    pairs = {int(status): code for status, code in re.findall(r"^\s+(\d+) (\w+);", block, flags=re.MULTILINE)}
    assert pairs
    known = {code.code: code.status for code in error_codes.codes()}
    assert {status: known.get(code) for status, code in pairs.items()} == {status: status for status in pairs}


def test_errors_of_the_edge_have_titles_and_details_of_their_own() -> None:
    codes = set(re.findall(r"^ +\d+ (\w+);", map_of("$problem_code"), flags=re.MULTILINE)) | {"bad_request"}
    titles = dict(re.findall(r'^ +(\w+) "(.*)";', map_of("$problem_title"), flags=re.MULTILINE))
    titles["bad_request"] = titles.pop("default")
    assert titles == {code: problem_documents.title_of(code) for code in codes}
    details = re.findall(r'^ +(\w+) ".*";', map_of("$problem_detail"), flags=re.MULTILINE)
    assert {*details, "bad_request"} == {*codes, "default"}


def map_of(variable: str) -> str:
    """The lines of the map that sets a variable."""
    (lines,) = re.findall(rf"^map \S+ \{variable} \{{\n(.*?)^\}}", ROUTES, flags=re.MULTILINE | re.DOTALL)
    return str(lines)


def test_every_error_that_nginx_answers_is_a_problem() -> None:
    told = {int(status) for line in re.findall(r"error_page ([^@/=]+)", ROUTES) for status in line.split()}
    # What a client or an upstream can provoke here. 401, 402 and 495 to 497 take modules that are not used.
    assert told == {400, 403, 404, 405, 408, 412, 413, 414, 416, 429, 494, 500, 501, 502, 503, 504, 505}


def test_errors_of_the_edge_carry_the_headers_of_the_api(client: Client) -> None:
    answer = client.get("/api/nowhere/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    own = {"Content-Type", "Content-Length", "Vary", "X-Request-ID", "RateLimit", "RateLimit-Policy"}
    named = dict(re.findall(r'^add_header (\S+) "?(.*?)"? always;', PROBLEM, flags=re.MULTILINE))
    expected = {name: value for name, value in answer.headers.items() if name not in own}
    assert {name: value for name, value in named.items() if "$" not in value} == expected
    assert {name for name, value in named.items() if "$" in value} == {
        "X-Request-ID",
        "Strict-Transport-Security",
        "Retry-After",
        "Allow",
        "Vary",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
    }


def test_errors_of_the_edge_may_be_read_where_answers_of_the_zone_may(settings: Any) -> None:
    settings.CORS_ZONE_ORIGINS = ("https://app.example",)
    zones: tuple[Zone, ...] = runpy.run_path(str(BASE_DIR / "config" / "zones.py"))["ZONES"]
    (pattern,) = re.findall(r'"~(\S+)" origin;', map_of("$problem_vary"))
    paths = {f"/api/{zone.name}/v1/": bool(zone.cors.origins) for zone in zones}
    paths |= {"/api/": True, "/api/?x": True, "/api/problems/": True, "/": False, "/api/publicity/": False}
    assert {path: bool(re.match(pattern, path)) for path in paths} == paths
    exposed = re.findall(r'default "(.+)";', map_of("$problem_exposed"))[0].split(", ")
    assert set(exposed) < set(settings.CORS_EXPOSE_HEADERS)


def variable_of_the_edge(name: str, **variables: str) -> str:
    """What `variables.envsh` makes of variables."""
    script = f'. deploy/nginx/variables.envsh; printf %s "${name}"'
    made = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=BASE_DIR, env=variables, capture_output=True, text=True, check=True
    )
    assert made.stderr == ""
    return made.stdout


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ("", []),
        ("*", ["default $http_origin;"]),
        (
            " https://App.Example:443/ ,, http://[::1]:3000,https://app.example",
            ['"http://[::1]:3000" $http_origin;', '"https://app.example" $http_origin;'],
        ),
        ('https://a.example"; } evil,https://$host,app.example,https://b.example/path', []),
        ("capacitor://localhost,*,http://a:80", ["default $http_origin;", '"http://a" $http_origin;']),
    ],
)
def test_the_edge_reads_origins_as_the_product_does(given: str, lines: list[str]) -> None:
    assert sorted(variable_of_the_edge("EDGE_CORS_ORIGINS", CORS_ORIGINS=given).splitlines()) == sorted(lines)


def test_the_edge_sends_hsts_where_the_product_does() -> None:
    given = [{"SECURE_SSL": ssl} for ssl in ("true", "ON", "1", "false", "no", "")]
    given += [{"SECURE_SSL": "true", "SECURE_HSTS": reach} for reach in ("host", "subdomains", "preload", "")]
    for variables in given:
        found = fresh.settings("production", variables)
        names = ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
        with override_settings(**{name: found[name] for name in names}):
            assert variable_of_the_edge("EDGE_HSTS", **variables) == security_headers._hsts()


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


def test_values_that_a_dot_env_lacks_are_filled_in(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(
        b"\xef\xbb\xbfSECRET_KEY=kept\r\nexport JWT_KEYS = # later\r\nREDIS_PASSWORD=''\r\nALLOWED_HOSTS=a # b"
    )
    added = dotenv.complete(path)
    assert added == [
        "JWT_KEYS",
        "FIELD_ENCRYPTION_KEY",
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "BACKUP_KEY",
        "GRAFANA_PASSWORD",
        "PUBLIC_URL",
        "SECURE_SSL",
        "COMPOSE_PROJECT_NAME",
        "IMAGE",
        "POSTGRES_USER",
    ]
    found = dot_env.read(path)
    assert set(found) == set(dotenv.values())
    assert (found["SECRET_KEY"], found["ALLOWED_HOSTS"], len(found["REDIS_PASSWORD"])) == ("kept", "a", 40)
    assert dotenv.complete(path) == []


def test_an_installation_keeps_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The volumes and the database of an installation keep their first names."""
    path = tmp_path / ".env"
    path.write_text("POSTGRES_PASSWORD=kept\n")
    monkeypatch.setattr(dotenv, "slugs", lambda: ["acme-orders", "acme"])
    dotenv.complete(path)
    found = dot_env.read(path)
    names = ("COMPOSE_PROJECT_NAME", "IMAGE", "POSTGRES_USER")
    assert [found[name] for name in names] == ["acme", "acme", "acme"]
    path.unlink()
    dotenv.complete(path)
    found = dot_env.read(path)
    assert [found[name] for name in names] == ["acme-orders", "acme-orders", "acme_orders"]


def test_slugs_are_those_of_the_product() -> None:
    assert dotenv.slugs() == [PRODUCT.slug, *PRODUCT.formerly]


# Special characters of shells, addresses and configuration files.
_ODD: str = "a b\"c'd\\e$f`g/?#@:%41[]é"


def test_redis_takes_a_password_of_any_characters(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with data_dirs.throwaway() as home:
        programs = tmp_path / "programs"
        programs.mkdir()
        (programs / "redis-server").symlink_to(binaries.valkey_program(home))
        port = str(free_port())
        script = (
            COMPOSE["services"]["redis"]["command"][2].replace("$$", "$").replace("/tmp/", f"{tmp_path}/")
        )
        server = subprocess.Popen(
            [
                "sh",
                "-c",
                f"{script.replace('--dir /data', f'--dir {tmp_path}')} --port {port} --bind 127.0.0.1",
            ],
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "REDISCLI_AUTH": _ODD},
            stdout=subprocess.DEVNULL,
        )
        try:
            given = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "REDIS_URL_PASSWORD": _ODD}
            url = fresh.settings("production", given)["REDIS_URL"]
            retry = Retry(ConstantBackoff(0.05), 200, supported_errors=(redis.ConnectionError,))
            with redis.Redis.from_url(url, retry=retry) as client:
                assert client.ping()
        finally:
            server.terminate()
            server.wait(10)


@pytest.mark.django_db(transaction=True)
def test_postgres_takes_a_password_of_any_characters() -> None:
    own = connection.settings_dict
    name = f"odd_{os.getpid()}"
    role = sql.Identifier(name)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(_ODD)).as_string()
        )
    given = {
        "DATABASE_URL": f"postgres://{name}@{own['HOST']}:{own['PORT']}/{own['NAME']}",
        "DATABASE_URL_PASSWORD": _ODD,
        "DATABASE_POOL": "false",
    }
    other = ConnectionHandler(fresh.settings("production", given)["DATABASES"])["default"]
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT current_user, current_setting('statement_timeout')")
            assert cursor.fetchone() == (name, "15s")
    finally:
        other.close()
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP ROLE {}").format(role).as_string())


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


def test_an_unreachable_server_is_unhealthy(tmp_path: Path) -> None:
    assert _check("http", "1", "/readyz") == 1
    assert _check("file", "30", HEARTBEAT_FILE=str(tmp_path / "none")) == 1


def test_health_by_age(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    alive.touch()
    assert _check("file", "30", HEARTBEAT_FILE=str(alive)) == 0
    old = time.time() - 31
    os.utime(alive, (old, old))
    assert _check("file", "30", HEARTBEAT_FILE=str(alive)) == 1
