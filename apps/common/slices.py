"""Finds slices and their modules. Every part of the project that collects from slices uses this module.

A slice is a folder of `apps/` with an `apps.py`, whose `AppConfig.needs` names the slices that it requires. Its files are
found by their names.

=================  ==================================================================================================
file               content
=================  ==================================================================================================
`settings.py`      `VARIABLES`, the environment variables of the slice, and the Django settings made from them;
                   `DEVELOPMENT` and `TEST`, the settings that differ there
`types.py`         `Permission`, `DEFAULT_GRANTS` and `AuditAction`, collected by name; value objects
`exceptions.py`    domain errors; their codes appear in the error catalog
`events.py`        events that the slice publishes
`models.py`        models
`policies.py`      permission checks
`limits.py`        rate limits of single actions
`protocol.py`      the frames of its sockets
`selectors.py`     reads
`services.py`      changes; one function for each use case
`serializers.py`   shapes of input and output that several views share
`filters.py`       filters of lists
`live/`            state of a server process for open sockets
`views.py`         REST views, each method an `@operation`
`consumers.py`     WebSocket consumers
`tasks.py`         Celery tasks, and `SCHEDULE`, the entries for beat
`handlers.py`      tasks and functions that follow from events of any slice
`urls.py`          `zones`, the REST routes for each zone
`routing.py`       `websocket_urlpatterns`; the hooks `startup`, `stopping` and `shutdown` of the ASGI server
`pages.py`         `urlpatterns` of pages outside the zones
`admin.py`         pages of the admin site
`console/`         `MODULE` and `STYLESHEETS`, pages of the console, from its `static/`; `data()`, values for them
`management/`      commands of `manage.py`
`examples.py`      `FIELDS`, example values for the OpenAPI documents
`asyncapi.py`      `ZONE` and `document()`, the AsyncAPI document of the slice's sockets
`clients/`         `RUNTIME` in `clients/runtime.py`: modules for generated clients
`data_export.py`   `export(user_id)`, the personal data that the slice holds
`demo.py`          `seed(summary)`, the demo data of `make run`; `AFTER` names slices that must be seeded first
`templates/`       templates of pages and mails
`docs/`            documentation
`tests/`           tests; `tests/campaigns.py` and `tests/compose.py` have its parts of the campaigns and of `make compose-test`
=================  ==================================================================================================
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

FILES: Final[dict[str, str]] = dict(re.findall(r"^`([\w./]+)` +(.+?);?$", __doc__ or "", re.MULTILINE))
"""The table above."""


@dataclass(frozen=True, slots=True)
class Slice:
    label: str
    package: str

    def module(self, name: str) -> ModuleType | None:
        """The module `name` of the slice, or None. Propagates import errors inside the module."""
        path = f"{self.package}.{name}"
        return import_module(path) if path in sys.modules or _exists(path) else None

    def files(self) -> list[str]:
        """The names of FILES that the slice has; a module may be a package."""
        (folder,) = import_module(self.package).__path__
        return [
            name
            for name in FILES
            if (Path(folder) / name).exists() or (Path(folder) / name.removesuffix(".py")).is_dir()
        ]


def on_disk() -> tuple[Slice, ...]:
    """Every slice that has a folder, sorted by label. Usable in settings, before Django loads apps."""
    folder = Path(__file__).resolve().parent.parent
    return tuple(
        Slice(path.parent.name, f"apps.{path.parent.name}") for path in sorted(folder.glob("*/apps.py"))
    )


def installed() -> tuple[Slice, ...]:
    """Every installed app below `apps.`, sorted by label."""
    found = [Slice(app.label, app.name) for app in apps.get_app_configs() if app.name.startswith("apps.")]
    return tuple(sorted(found, key=lambda slice_: slice_.label))


def modules(name: str) -> Iterator[tuple[str, ModuleType]]:
    """The label and the module `name` of each installed slice that has one, sorted by label."""
    for slice_ in installed():
        module = slice_.module(name)
        if module is not None:
            yield slice_.label, module


def require_needs() -> None:
    """Raise ImproperlyConfigured for a slice whose `AppConfig.needs` names slices that are not installed."""
    labels = {slice_.label for slice_ in installed()}
    missing = [
        f"The slice {label} needs the slice {need}: restore the folder apps/{need}, or remove apps/{label}."
        for label in sorted(labels)
        for need in getattr(apps.get_app_config(label), "needs", ())
        if need not in labels
    ]
    if missing:
        raise ImproperlyConfigured("\n".join(missing))


def declared(name: str) -> Iterator[Any]:
    """`types.<name>` of each installed slice that declares it: `AuditAction`, `Permission`, `DEFAULT_GRANTS`."""
    for _, module in modules("types"):
        value = getattr(module, name, None)
        if value is not None:
            yield value


@lru_cache(maxsize=1024)
def _exists(path: str) -> bool:
    try:
        return find_spec(path) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False
