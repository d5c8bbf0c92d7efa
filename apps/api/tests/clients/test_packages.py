"""Names and content of packages, from the project's zones."""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.api.clients import packages, plan, readmes, runtimes
from apps.api.clients.failures import ClientsError
from apps.api.clients.plan import Language, Source
from apps.api.clients.successes import without_failures
from apps.api.tests.conftest import but
from apps.api.zones import mounting
from infrastructure.product import PRODUCT


@pytest.fixture(scope="module")
def zones() -> dict[str, Source]:
    """The sources of the project's zones."""
    return {source.name: source for source in plan.sources(mounting.mounted())}


def response(**content: Any) -> dict[str, Any]:
    return {"description": "Done.", "content": content}


def test_the_python_generator_gets_no_failures() -> None:
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


@pytest.fixture
def widgets(installed: None) -> Source:
    """A zone whose callers sign in, with a slice that has a runtime."""
    (source,) = plan.sources(mounting.mounted(), ["closed"])
    return replace(source, zone=but(source.zone, authentication=("bearer",)))


BASE = {"client", "problem", "pages"}, {"problem", "connect", "pages", "ids"}
SOCKETS = {"reconnecting_socket", "pacing"}
WIDGETS = {"widget_socket", "widget_frames"}


def modules(source: Source, folder: Path) -> tuple[set[str], set[str]]:
    """The hand-written modules of both packages, Python first."""
    packages.write_typescript(source, folder / "typescript")
    packages.write_python(source, folder / "python")
    python = folder / "python" / source.module / "runtime"
    return (
        {path.stem for path in python.iterdir()} - {"__init__"},
        {path.stem for path in (folder / "typescript/src/runtime").iterdir()},
    )


def needed(folder: Path) -> list[str]:
    project = tomllib.loads((folder / "python/pyproject.toml").read_text())["project"]
    dependencies: list[str] = project["dependencies"]
    return dependencies


def test_a_package_has_the_runtime_of_a_slice_and_its_needs(widgets: Source, tmp_path: Path) -> None:
    python, typescript = modules(widgets, tmp_path)
    assert python == BASE[0] | SOCKETS | WIDGETS
    assert typescript == BASE[1] | SOCKETS | WIDGETS
    assert needed(tmp_path) == ["attrs>=24", "httpx>=0.28,<1", "websockets>=15"]
    exported = packages.python_modules(widgets)["__init__.py"]
    assert exported.startswith(f'"""Client of the closed zone of {PRODUCT.name}.\n')
    assert "from .runtime.widget_socket import WidgetSocket\n" in exported
    assert '    "WidgetSocket",\n' in exported
    assert "widget_frames" not in exported
    index = (tmp_path / "typescript/src/index.ts").read_text()
    assert [line for line in index.splitlines() if "/runtime/" in line] == [
        f'export * from "./runtime/{name}.js";'
        for name in ("problem", "connect", "pages", "reconnecting_socket", "widget_socket")
    ]


def test_modules_import_each_other_inside_of_the_package(widgets: Source, tmp_path: Path) -> None:
    modules(widgets, tmp_path)
    runtime = tmp_path / "python" / widgets.module / "runtime"
    assert "apps." not in "".join(path.read_text() for path in runtime.iterdir())
    assert (runtime / "widget_socket.py").read_text().splitlines()[2:4] == [
        "from .widget_frames import WidgetFrame",
        "from .reconnecting_socket import ReconnectingSocket",
    ]
    text = (tmp_path / "typescript/src/runtime/widget_socket.ts").read_text()
    assert text.splitlines()[:2] == [
        'import type { PongFrame } from "./reconnecting_socket.js";',
        'import { NAME } from "./widget_frames.js";',
    ]


@pytest.mark.parametrize(
    "changes",
    [{"slices": ()}, {"authentication": ("service",)}, {"floor": "anyone"}],
)
def test_other_zones_have_only_the_base(widgets: Source, tmp_path: Path, changes: dict[str, Any]) -> None:
    source = replace(widgets, zone=but(widgets.zone, **changes))
    assert modules(source, tmp_path) == BASE
    assert needed(tmp_path) == ["attrs>=24", "httpx>=0.28,<1"]
    assert "WidgetSocket" not in readmes.python(source)


def test_a_runtime_adds_to_the_readme(widgets: Source) -> None:
    python = readmes.python(widgets)
    assert f"from {PRODUCT.identifier}_closed_client import Client, ProblemError, WidgetSocket" in python
    assert 'base_url = "https://site.example"\nsocket = WidgetSocket("a")\n\nwith Client(' in python
    assert python.endswith(f"Import `{PRODUCT.identifier}_closed_client`.\n")
    assert readmes.typescript(widgets).endswith(f"Install `{PRODUCT.slug}-closed-client`.\n")


def test_two_modules_of_one_name_are_refused(
    widgets: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.api.tests.fakes.standard_views.clients import runtime

    other = replace(runtime.RUNTIME, folder=tmp_path, in_every_package=True)
    monkeypatch.setattr(runtime, "RUNTIME", replace(runtime.RUNTIME, needs=(other,)))
    with pytest.raises(ClientsError, match=r"both bring widget_socket\.py for clients: rename one"):
        runtimes.runtimes([widgets])


def test_runtimes_declare_every_module(zones: dict[str, Source]) -> None:
    declared: dict[Path, set[str]] = defaultdict(set)
    for runtime in runtimes.runtimes(zones.values()):
        declared[runtime.folder] |= {f"python/{name}.py" for name in ("__init__", *runtime.python)}
        declared[runtime.folder] |= {
            f"typescript/{name}.ts" for name in (*runtime.typescript, *runtime.typescript_internal)
        }
    assert declared
    for folder, names in declared.items():
        found = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.*")}
        # What only sockets need is declared where a slice has sockets.
        assert names <= found


def test_metadata_can_be_published(zones: dict[str, Source], tmp_path: Path) -> None:
    packages.write_typescript(zones["admin"], tmp_path / "typescript")
    packages.write_python(zones["admin"], tmp_path / "python")
    package = json.loads((tmp_path / "typescript/package.json").read_text())
    assert (package["name"], package["version"], package["type"]) == (
        f"{PRODUCT.slug}-admin-client",
        "1.0.0",
        "module",
    )
    assert package["exports"] == {".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"}}
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["devDependencies"]["typescript"])
    project = tomllib.loads((tmp_path / "python/pyproject.toml").read_text())
    assert (project["project"]["name"], project["project"]["version"]) == (
        f"{PRODUCT.slug}-admin-client",
        "1.0.0",
    )
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        f"{PRODUCT.identifier}_admin_client"
    ]


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
def test_a_readme_shows_the_credential_and_an_operation_of_the_zone(
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


def test_there_is_a_unit_for_each_language_and_zone_and_one_for_browsers(zones: dict[str, Source]) -> None:
    two = [zones["public"], zones["private"]]
    assert [unit.path for unit in plan.units(two, [*Language])] == [
        "typescript/public",
        "typescript/private",
        "python/public",
        "python/private",
        "browser",
    ]
    assert [unit.path for unit in plan.units(two)] == [unit.path for unit in plan.units(two, plan.PACKAGES)]


def test_the_module_for_browsers_has_a_name_for_each_zone(zones: dict[str, Source], tmp_path: Path) -> None:
    entry = packages.write_browser([zones["public"], zones["private"]], tmp_path / "browser")
    lines = entry.read_text().splitlines()
    assert 'export * as publicZone from "./public/zone.js";' in lines
    assert 'export * as privateZone from "./private/zone.js";' in lines
    assert 'export * from "./runtime/problem.js";' in lines
