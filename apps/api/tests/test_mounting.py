"""Mounting: names, versions, deprecation, CORS, fixed paths, and the same URLs for each hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.urls import Resolver404, resolve, reverse

from apps.api.tests.conftest import ALL, CLOSED, GIZMOS, OFFICE, OPEN, WIDGETS, Serve, but
from apps.api.zones import cors
from apps.api.zones.endpoints import methods_of
from apps.api.zones.mounting import FastResolver, mount
from apps.api.zones.routes import template
from apps.api.zones.table import Cors, Version, ZoneTable

pytestmark = pytest.mark.django_db

OLD = Version(
    name="v1",
    deprecated=date(2026, 1, 1),
    sunset=date(2027, 1, 1),
    notice="https://docs.example/moving-to-v2",
)
USER = {"Authorization": "Test user"}


def test_routes_have_names_by_zone_version_and_slice(serve: Serve) -> None:
    serve(but(OPEN, slices=("widgets", "gizmos")), slices=(GIZMOS, WIDGETS))
    assert reverse("api:closed:v2:widgets:widget") == "/api/closed/v2/widget/"
    assert reverse("api:open:v1:gizmos:gizmo") == "/api/open/v1/gizmo/"
    assert reverse("api:open:v1:widgets:deep", kwargs={"number": "7"}) == "/api/open/v1/nested/deep/7/"
    assert reverse("api:office:schema") == "/api/office/schema/"
    assert reverse("api:closed:v1:schema-yaml") == "/api/closed/v1/schema.yaml"
    assert reverse("api:closed:v1:index") == "/api/closed/v1/"
    assert reverse("api:index") == "/api/"
    assert resolve("/api/open/v1/gizmo/").view_name == "api:open:v1:gizmos:gizmo"


def test_one_zone_serves_two_versions_from_the_same_slices(serve: Serve) -> None:
    client = serve()
    weights = [
        client.get(f"/api/closed/{version}/widget/", headers=USER).json()["weight"]
        for version in ("v1", "v2")
    ]
    assert weights == [20, 20_000]
    # What the newer version does not replace is the same in both; what it replaced has only its own methods.
    assert client.get("/api/closed/v2/plain/", headers=USER).json()["zone"] == "closed"
    assert client.post("/api/closed/v2/widget/", headers=USER).status_code == 405


def test_every_answer_of_a_deprecated_version_has_the_headers(serve: Serve) -> None:
    client = serve(but(CLOSED, versions=(OLD, Version(name="v2"))))
    for response in (
        client.get("/api/closed/v1/widget/", headers=USER),
        client.get("/api/closed/v1/widget/"),
        client.get("/api/closed/v1/none/", headers=USER),
    ):
        assert response.headers["Deprecation"] == "@1767225600"
        assert response.headers["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
        assert response.headers["Link"] == (
            '</api/closed/v2/>; rel="successor-version", '
            '<https://docs.example/moving-to-v2>; rel="deprecation"; type="text/html"'
        )
    assert "Deprecation" not in client.get("/api/closed/v2/widget/", headers=USER).headers
    schema = client.get("/api/closed/v1/schema.json", headers=USER).json()
    assert schema["paths"]["/api/closed/v1/widget/"]["get"]["deprecated"] is True
    assert schema["info"]["description"].startswith(
        "**This version is deprecated since 2026-01-01.** It ends on 2027"
    )
    assert client.get("/api/").json()["zones"][1]["versions"][0]["sunset"] == "2027-01-01"
    assert "deprecated, ends 2027-01-01" in client.get("/api/", headers={"Accept": "text/html"}).text


def test_a_deprecation_needs_no_sunset_successor_or_notice(serve: Serve) -> None:
    client = serve(but(OFFICE, versions=(Version(name="v1", deprecated=date(2026, 1, 1)),)))
    response = client.get("/api/office/v1/widget/")
    assert response.headers["Deprecation"] == "@1767225600"
    assert "Sunset" not in response.headers
    assert "Link" not in response.headers


def test_origins_are_allowed_zone_by_zone(serve: Serve, settings) -> None:
    settings.ZONES = f"{__name__}.WITH_ORIGINS"
    client = serve()
    app = {"Origin": "https://app.example"}
    allowed = "Access-Control-Allow-Origin"
    assert (
        client.get("/api/closed/v1/widget/", headers={**app, **USER}).headers[allowed]
        == "https://app.example"
    )
    assert allowed not in client.get("/api/office/v1/widget/", headers=app).headers
    assert (
        allowed
        not in client.get("/api/closed/v1/widget/", headers={"Origin": "https://evil.example"}).headers
    )
    assert client.get("/api/open/v1/widget/", headers={"Origin": "https://any.example"}).headers[allowed]
    assert client.get("/api/", headers=app).headers[allowed] == "https://app.example"
    preflight = client.options(
        "/api/closed/v1/widget/", headers={**app, "Access-Control-Request-Method": "GET"}
    )
    assert preflight.status_code == 200
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    assert allowed not in client.get("/elsewhere", headers=app).headers


WITH_ORIGINS = (
    but(OPEN, cors=Cors(origins=("*",))),
    but(CLOSED, cors=Cors(origins=("https://app.example",))),
    *ALL[2:],
)


def test_a_call_without_origin_has_no_cors_headers(rf) -> None:
    assert not cors.is_origin_allowed(rf.get("/api/closed/"))


def test_fixed_paths_resolve_as_djangos_resolver_does() -> None:
    tree = mount(ZoneTable(ALL), (WIDGETS,)).patterns[0]
    assert isinstance(tree, FastResolver)
    for path in ("closed/v1/widget/", "open/schema/", "open/v1/", ""):
        slow = super(FastResolver, tree).resolve(path)
        for _ in range(2):
            match = tree.resolve(path)
            assert (match.func, match.view_name, match.route) == (slow.func, slow.view_name, slow.route)
    assert tree.resolve("closed/v1/widget/") is tree.resolve("closed/v1/widget/")
    assert tree.resolve("open/v1/fail/bug/").kwargs == {"kind": "bug"}
    with pytest.raises(Resolver404):
        tree.resolve("nowhere/")
    # Paths that callers make up are not remembered.
    assert len(tree._known) == 4


def test_a_function_without_declared_methods_has_all() -> None:
    assert methods_of(lambda request: None) == ("DELETE", "GET", "PATCH", "POST", "PUT")


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("users/<uuid:id>/", "users/{id}/"),
        ("users/<name>/", "users/{name}/"),
        ("^users/(?P<id>[^/.]+)/$", "users/{id}/"),
        (r"^a/(?P<n>[0-9]{1,3})/(?P<m>(?:x|y)+)/\Z", "a/{n}/{m}/"),
    ],
)
def test_readable_forms_of_routes(route: str, expected: str) -> None:
    assert template(route) == expected


def python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Not measured for coverage: what these processes load, the suite loads as well.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_mounting_does_not_depend_on_the_hash_seed() -> None:
    """The table mounts alike under any hash seed."""
    script = (
        "import django; django.setup()\n"
        "from apps.api.zones.routes import leaves\n"
        "from apps.api.zones.mounting import mounted\n"
        "print('\\n'.join(f'{leaf.route} {leaf.pattern.name}' for leaf in leaves(mounted().patterns)))\n"
    )
    dumps = [python(script, PYTHONHASHSEED=seed) for seed in ("0", "random")]
    assert [dump.returncode for dump in dumps] == [0, 0], dumps[0].stderr
    assert len({dump.stdout for dump in dumps}) == 1
    assert "private/v1/users/me/ me" in dumps[0].stdout


SERVERS = {
    "gunicorn": ["-m", "gunicorn", "--preload", "--bind", "127.0.0.1:0", "config.wsgi:application"],
    "uvicorn": ["-m", "config.serve", "--port", "0"],
    "manage": ["manage.py", "check"],
}


def test_no_server_starts_with_a_wrong_table(tmp_path) -> None:
    (tmp_path / "wrong_settings.py").write_text(
        "from config.settings.test import *\nZONES = 'apps.api.tests.test_validation.WRONG'\n"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    started = {
        name: subprocess.Popen(
            [sys.executable, *command],
            env={**inherited, "DJANGO_SETTINGS_MODULE": "wrong_settings", "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, command in SERVERS.items()
    }
    try:
        said = {name: process.communicate(timeout=60)[0] for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
    for name, words in said.items():
        assert started[name].returncode not in (0, None), name
        assert "zone 'closed' slice 'ghost': There is no such slice." in words, name
        assert "Remove it from the zone table, or make the folder apps/<slice> with an apps.py." in words, (
            name
        )
