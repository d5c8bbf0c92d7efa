"""The contracts of `.importlinter` refuse what they say they refuse."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph

from scripts.contracts import SliceLayersContract, SlicesContract

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("apps.api", "apps.common", "config", "infrastructure")
KINDS: dict[str, Any] = {"slices": SlicesContract, "slice_layers": SliceLayersContract}


def problems(kind: str, *imports: str) -> list[str]:
    """What the project's own contract of a kind says of imports, each given as `module -> module`."""
    options = configparser.ConfigParser()
    options.read(ROOT / ".importlinter")
    section = next(
        section
        for name, section in options.items()
        if name.startswith("importlinter:contract:") and section["type"] == kind
    )
    contract_options = {
        name: value.split("\n") if "\n" in value else value for name, value in section.items()
    }
    contract_options = {
        name: [line.strip() for line in value if line.strip()] if isinstance(value, list) else value
        for name, value in contract_options.items()
    }
    contract = KINDS[kind](section["name"], {}, contract_options)
    graph = ImportGraph()
    for line in imports:
        importer, _, imported = (part.strip() for part in line.partition("->"))
        for module in filter(None, (importer, imported)):
            parts = module.split(".")
            for length in range(1, len(parts) + 1):
                graph.add_module(".".join(parts[:length]))
        if imported:
            graph.add_import(importer=importer, imported=imported)
    found: list[str] = contract.check(graph, verbose=False).metadata["problems"]
    return found


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
    assert problems("slice_layers", line) == [f"{importer} imports {imported}, which is in a layer above it"]


def test_a_circle_inside_a_layer_is_refused() -> None:
    found = problems(
        "slice_layers",
        "apps.orders.types -> apps.orders.exceptions",
        "apps.orders.exceptions -> apps.orders.types",
    )
    assert found[0].startswith("a circle in apps.orders: exceptions → types → exceptions")


def test_a_module_without_a_layer_is_refused() -> None:
    assert problems("slice_layers", "apps.orders.utils", "apps.orders.tests.helpers") == [
        "apps.orders.utils has no layer: name it after what it is, or give its name a layer in .importlinter"
    ]


def test_imports_that_lead_down_are_accepted() -> None:
    assert (
        problems(
            "slice_layers",
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
