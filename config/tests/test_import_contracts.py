"""The contracts of `.importlinter` refuse forbidden imports."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph
from importlinter import configuration
from importlinter.contracts.forbidden import ForbiddenContract

from scripts.contracts import SliceLayersContract, SlicesContract

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("apps.api", "apps.common", "config", "infrastructure")
KINDS: dict[str, Any] = {
    "slices": SlicesContract,
    "slice_layers": SliceLayersContract,
    "forbidden": ForbiddenContract,
}
configuration.configure()  # import-linter's own contracts need its timer


def problems(contract_name: str, *imports: str) -> list[str]:
    """What a contract of `.importlinter` refuses of imports, each given as `module -> module`."""
    options = configparser.ConfigParser()
    options.read(ROOT / ".importlinter")
    section = options[f"importlinter:contract:{contract_name}"]
    contract_options = {
        name: [line.strip() for line in value.splitlines() if line.strip()] if "\n" in value else value
        for name, value in section.items()
    }
    session = {"root_packages": ["config", "apps", "infrastructure"], "include_external_packages": "True"}
    contract = KINDS[section["type"]](section["name"], session, contract_options)
    graph = ImportGraph()
    for line in imports:
        importer, _, imported = (part.strip() for part in line.partition("->"))
        for module in filter(None, (importer, imported)):
            parts = module.split(".")
            for length in range(1, len(parts) + 1):
                graph.add_module(".".join(parts[:length]))
        if imported:
            graph.add_import(importer=importer, imported=imported)
    found = contract.check(graph, verbose=False).metadata
    if section["type"] == "forbidden":
        chains = [chain for broken in found["invalid_chains"] for chain in broken["chains"]]
        return [f"{step['importer']} imports {step['imported']}" for (step,) in chains]
    return list(found["problems"])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("apps.orders.views -> apps.users.models", "only "),
        ("apps.orders.services -> apps.users.views.profile", "only "),
        ("apps.orders.tasks -> apps.users.tasks", "only "),
        ("apps.orders.services -> apps.api.zones.table", "above the slices"),
        ("apps.orders.views -> config.settings", "above the slices"),
        ("apps.common.events -> apps.orders.events", "what slices share knows none of them"),
        ("infrastructure.email -> apps.orders.models", "what slices share knows none of them"),
        ("apps.orders.services -> apps.common.testing.clients", "for tests only"),
        ("apps.common.models -> apps.common.testing", "for tests only"),
        ("config.celery -> apps.common.testing", "for tests only"),
    ],
)
def test_imports_between_slices_that_are_refused(line: str, says: str) -> None:
    (problem,) = problems("slices", line, *SHARED)
    assert says in problem
    assert line.partition(" ")[0] in problem


def test_a_circle_of_slices_is_refused() -> None:
    found = problems(
        "slices",
        "apps.orders.services -> apps.users.services",
        "apps.users.handlers -> apps.orders.events",
        *SHARED,
    )
    assert found[0] == "a circle of slices: apps.orders → apps.users → apps.orders"


@pytest.mark.parametrize(
    "line",
    [
        "apps.orders.services -> apps.orders.views.orders",
        "apps.orders.selectors -> apps.orders.services.posting",
        "apps.orders.models -> apps.orders.selectors",
        "apps.orders.models -> apps.orders.policies",
        "apps.orders.events -> apps.orders.models",
        "apps.orders.settings -> apps.orders.services",
        "apps.orders.services -> apps.orders.serializers",
        "apps.orders.views -> apps.orders.urls",
        "apps.orders.tasks -> apps.orders.handlers",
        "apps.orders.live.hub -> apps.orders.consumers",
    ],
)
def test_an_import_that_leads_up_a_slice_is_refused(line: str) -> None:
    importer, _, imported = line.partition(" -> ")
    assert problems("slice", line) == [f"{importer} imports {imported}, which is in a layer above it"]


def test_a_circle_inside_a_layer_is_refused() -> None:
    found = problems(
        "slice",
        "apps.orders.types -> apps.orders.exceptions",
        "apps.orders.exceptions -> apps.orders.types",
    )
    assert found[0].startswith("a circle in apps.orders: exceptions → types → exceptions")


def test_a_module_without_a_layer_is_refused() -> None:
    assert problems("slice", "apps.orders.utils", "apps.orders.tests.helpers") == [
        "apps.orders.utils has no layer: name it after what it is, or give its name a layer in .importlinter"
    ]


def test_imports_that_lead_down_are_accepted() -> None:
    assert (
        problems(
            "slice",
            "apps.orders.urls -> apps.orders.views",
            "apps.orders.views.orders -> apps.orders.services",
            "apps.orders.handlers -> apps.orders.tasks",
            "apps.orders.services.a -> apps.orders.services.b",
            "apps.orders.selectors -> apps.orders.models",
            "apps.orders.models -> apps.orders.types",
            "apps.orders.tests.test_views -> apps.orders.views",
        )
        == []
    )


@pytest.mark.parametrize("layer", ["services.orders", "selectors", "models.orders", "events"])
@pytest.mark.parametrize("imported", ["protocol", "consumers", "live.hub", "live"])
def test_the_domain_imports_no_socket_protocol(layer: str, imported: str) -> None:
    line = f"apps.orders.{layer} -> apps.orders.{imported}"
    views = f"apps.orders.views -> apps.orders.{imported}"
    assert problems("domain", line, views, "apps.orders.views -> apps.orders.services") == [
        line.replace("->", "imports")
    ]


@pytest.mark.parametrize("imported", ["apps.orders.models", "apps.orders.live_orders", "apps.orders.types"])
def test_the_domain_imports_its_own_modules(imported: str) -> None:
    assert problems("domain", f"apps.orders.services -> {imported}") == []
