"""Discovery of slices and their files, and their needs."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import grimp
import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from apps.common import slices


def test_slices_are_listed_with_their_files() -> None:
    output = StringIO()
    call_command("zones", "slices", "--format", "json", stdout=output)
    listed = json.loads(output.getvalue())
    by_label = {one["slice"]: one for one in listed["slices"]}
    assert {"services.py", "tests/", "urls.py", "views.py"} <= set(by_label["users"]["files"])
    assert "routing.py" not in by_label["api"]["files"]
    assert listed["files"]["urls.py"] == "`zones`, the REST routes for each zone"


def test_a_slice_whose_need_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    slices.require_needs()
    config: Any = apps.get_app_config("users")
    monkeypatch.setattr(config, "needs", ("nowhere",), raising=False)
    with pytest.raises(ImproperlyConfigured) as refused:
        slices.require_needs()
    assert str(refused.value) == (
        "The slice users needs the slice nowhere: restore the folder apps/nowhere, or remove apps/users."
    )


def test_a_slice_needs_the_slices_that_it_imports() -> None:
    graph = grimp.build_graph("apps", cache_dir=None)
    labels = {slice_.label for slice_ in slices.installed()} - {"api", "common"}
    for label in labels:
        modules = {f"apps.{label}", *graph.find_descendants(f"apps.{label}")}
        imported = {
            other.split(".")[1]
            for module in modules
            if ".tests" not in module
            for other in graph.find_modules_directly_imported_by(module)
            if other.startswith("apps.") and other != "apps"
        }
        needs = set(getattr(apps.get_app_config(label), "needs", ()))
        assert imported & labels - {label} == needs, label
