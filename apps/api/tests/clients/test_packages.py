"""What packages are called and hold, made of the project's own zones."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.api.clients import packages, plan, readmes
from apps.api.clients.plan import Language, Source
from apps.api.clients.successes import without_failures
from apps.api.zones import mounting


@pytest.fixture(scope="module")
def zones() -> dict[str, Source]:
    """The project's zones, as packages are made of them."""
    return {source.name: source for source in plan.sources(mounting.mounted())}


def response(**content: Any) -> dict[str, Any]:
    return {"description": "Done.", "content": content}


def test_python_is_given_answers_only() -> None:
    binary = {"schema": {"type": "string", "format": "binary"}}
    problem = response(**{"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
    schema = {
        "paths": {
            "/export/": {
                "get": {
                    "responses": {
                        "200": response(**{"application/zip": binary}),
                        "404": problem,
                        "default": problem,
                    }
                }
            },
            "/room/": {
                "get": {
                    "responses": {
                        "200": response(**{"application/json": {}}),
                        "204": {"description": "Gone."},
                    }
                }
            },
            "/stream/": {"get": {"responses": {"200": response(**{"text/event-stream": {}})}}},
        },
        "components": {"schemas": {"Problem": {}, "ProblemField": {}, "Room": {}}},
    }
    before = json.dumps(schema)
    assert without_failures(schema) == {
        "paths": {
            "/export/": {"get": {"responses": {"200": response(**{"application/octet-stream": binary})}}},
            "/room/": {
                "get": {
                    "responses": {
                        "200": response(**{"application/json": {}}),
                        "204": {"description": "Gone."},
                    }
                }
            },
        },
        "components": {"schemas": {"Room": {}}},
    }
    assert json.dumps(schema) == before


def test_each_zone_gets_the_runtime_that_it_has_a_use_for(zones: dict[str, Source], tmp_path: Path) -> None:
    for name in ("private", "internal"):
        packages.write_typescript(zones[name], tmp_path / "typescript" / name)
        packages.write_python(zones[name], tmp_path / "python" / name)
    runtime = {
        name: {path.stem for path in (tmp_path / "typescript" / name / "src" / "runtime").iterdir()}
        for name in ("private", "internal")
    }
    assert runtime["private"] - runtime["internal"] == {
        "chat",
        "frames",
        "line",
        "notifications",
        "outbox",
        "pacing",
    }
    assert "chat" not in (tmp_path / "typescript/internal/src/index.ts").read_text()
    needed = {
        name: tomllib.loads((tmp_path / "python" / name / "pyproject.toml").read_text())["project"][
            "dependencies"
        ]
        for name in ("private", "internal")
    }
    assert needed == {
        "private": ["attrs>=24", "httpx>=0.28,<1", "websockets>=15"],
        "internal": ["attrs>=24", "httpx>=0.28,<1"],
    }
    exported = packages.python_modules(zones["private"])["__init__.py"]
    for name in ("ChatSocket", "NotificationsSocket", "SocketStopped"):
        assert f'    "{name}",\n' in exported
    assert '"""Client of the private zone of Sarsen.\n' in exported


@pytest.mark.parametrize(
    ("slices", "modules"),
    [
        (("users",), set()),
        (("chat", "users"), {"line", "pacing", "chat", "frames", "outbox"}),
        (("notifications", "users"), {"line", "pacing", "notifications"}),
    ],
)
def test_a_socket_brings_what_it_needs_and_no_more(
    zones: dict[str, Source], tmp_path: Path, slices: tuple[str, ...], modules: set[str]
) -> None:
    private = zones["private"]
    source = replace(private, zone=replace(private.zone, slices=slices))
    packages.write_typescript(source, tmp_path / "typescript")
    packages.write_python(source, tmp_path / "python")
    always = {"problem", "session", "pages"}
    assert {path.stem for path in (tmp_path / "typescript/src/runtime").iterdir()} == {
        *always,
        "connect",
        "ids",
        *modules,
    }
    assert {path.stem for path in (tmp_path / "python/sarsen_private_client/runtime").iterdir()} == {
        *always,
        "__init__",
        "client",
        *modules,
    }
    in_readme = {name for name in ("ChatSocket", "NotificationsSocket") if name in readmes.python(source)}
    assert in_readme == {
        name
        for name, module in {"ChatSocket": "chat", "NotificationsSocket": "notifications"}.items()
        if module in modules
    }


def test_sockets_belong_to_zones_whose_callers_sign_in(zones: dict[str, Source]) -> None:
    assert {name for name, source in zones.items() if source.has_chat} == {"private"}
    assert {name for name, source in zones.items() if source.has_notifications} == {"private"}


def test_metadata_can_be_published(zones: dict[str, Source], tmp_path: Path) -> None:
    packages.write_typescript(zones["admin"], tmp_path / "typescript")
    packages.write_python(zones["admin"], tmp_path / "python")
    package = json.loads((tmp_path / "typescript/package.json").read_text())
    assert (package["name"], package["version"], package["type"]) == (
        "sarsen-admin-client",
        "1.0.0",
        "module",
    )
    assert package["exports"] == {".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"}}
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["devDependencies"]["typescript"])
    project = tomllib.loads((tmp_path / "python/pyproject.toml").read_text())
    assert (project["project"]["name"], project["project"]["version"]) == ("sarsen-admin-client", "1.0.0")
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["sarsen_admin_client"]


@pytest.mark.parametrize(
    ("zone", "typescript", "python"),
    [
        (
            "private",
            "connect(client, { baseUrl, session });",
            "with Client(base_url, session=session) as client:",
        ),
        ("public", "connect(client, { baseUrl });", "with Client(base_url) as client:"),
        (
            "internal",
            'connect(client, { baseUrl, serviceKey: "the key" });',
            'with Client(base_url, service_key="the key") as client:',
        ),
        ("admin", 'await session.signIn("ada@example.com", "her password");', "session = Session(base_url)"),
    ],
)
def test_a_readme_shows_the_zones_own_credential_and_operations(
    zones: dict[str, Source], zone: str, typescript: str, python: str
) -> None:
    source = zones[zone]
    operations = {
        operation["operationId"] for item in source.schema["paths"].values() for operation in item.values()
    }
    in_typescript, in_python = readmes.typescript(source), readmes.python(source)
    assert typescript in in_typescript
    assert python in in_python
    (called,) = re.findall(r"from \w+\.api\.\w+ import (\w+)", in_python)
    assert called in operations
    assert f"{readmes._camel(called)}(" in in_typescript


def test_units_are_one_a_language_and_zone_and_one_for_browsers(zones: dict[str, Source]) -> None:
    two = [zones["public"], zones["private"]]
    assert [unit.path for unit in plan.units(two, [*Language])] == [
        "typescript/public",
        "typescript/private",
        "python/public",
        "python/private",
        "browser",
    ]
    assert [unit.path for unit in plan.units(two)] == [unit.path for unit in plan.units(two, plan.PACKAGES)]


def test_the_browsers_module_has_a_name_for_each_zone(zones: dict[str, Source], tmp_path: Path) -> None:
    entry = packages.write_browser([zones["public"], zones["private"]], tmp_path / "browser")
    lines = entry.read_text().splitlines()
    assert 'export * as publicZone from "./public/zone.js";' in lines
    assert 'export * as privateZone from "./private/zone.js";' in lines
    assert 'export * from "./runtime/chat.js";' in lines
