"""Collects the environment variables and settings that `config/settings/components/` and the slices declare.

The owner of a variable declares and reads it in one line (`infrastructure.environment`). Nothing else reads the environment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from apps.common import slices
from infrastructure import environment
from infrastructure.environment import Variable, Variables

BASE_DIR: Final = environment.ROOT
_COMPONENTS: Final = "config.settings.components"
_REMEDY: Final = "docs/configuration.md lists all variables; `make env` writes a .env with strong secrets."
# Kubernetes and Docker announce other services by such names.
_OF_A_CLUSTER: Final = re.compile(r"_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_\w+)?$")
_MEANT_FOR_OTHERS: Final = frozenset({"VARIABLES", "DEVELOPMENT", "TEST"})


def _components() -> Iterator[ModuleType]:
    folder = Path(__file__).parent / "settings" / "components"
    for path in sorted(folder.glob("[a-z]*.py")):
        yield import_module(f"{_COMPONENTS}.{path.stem}")


def _slices() -> Iterator[ModuleType]:
    """`settings.py` of every slice that has one."""
    for slice_ in slices.on_disk():
        module = slice_.module("settings")
        if module is not None:
            yield module


def declared() -> dict[str, Variables]:
    """The declarations of each owner, by the name of its module. Raises ImproperlyConfigured for a variable with two owners."""
    found: dict[str, Variables] = {}
    owners: dict[str, str] = {}
    for module in (*_components(), *_slices()):
        variables = getattr(module, "VARIABLES", None)
        if isinstance(variables, Variables):
            found[module.__name__] = variables
            for variable in variables.declared:
                _claim(owners, variable.name, module.__name__, "variable")
    return found


def variables() -> list[Variable]:
    return [variable for owner in declared().values() for variable in owner.declared]


def slice_settings(shared: dict[str, Any]) -> dict[str, Any]:
    """The settings of all slices. Raises ImproperlyConfigured for one that `shared` or another slice has as well."""
    owners = {name: "config.settings" for name in shared if name.isupper()}
    found: dict[str, Any] = {}
    for module in _slices():
        for name in _settings_of(module):
            _claim(owners, name, module.__name__, "setting")
            found[name] = getattr(module, name)
    return found


def owned_by_slices() -> dict[str, set[str]]:
    """The names of settings and variables that each slice declares, by its module of settings."""
    variables = {module: {one.name for one in owner.declared} for module, owner in declared().items()}
    return {
        module.__name__: variables.get(module.__name__, set()) | {*_settings_of(module)}
        for module in _slices()
    }


def _settings_of(module: ModuleType) -> list[str]:
    return [
        name for name in vars(module) if name.isupper() and name[0] != "_" and name not in _MEANT_FOR_OTHERS
    ]


def overrides(name: str) -> dict[str, Any]:
    """The slices' settings for an environment: `DEVELOPMENT` or `TEST`. A slice may override only its own settings."""
    found: dict[str, Any] = {}
    for module in _slices():
        values: dict[str, Any] = getattr(module, name, {})
        if foreign := sorted(key for key in values if not hasattr(module, key)):
            raise ImproperlyConfigured(
                f"{module.__name__}.{name} changes {', '.join(foreign)}, which it does not set."
            )
        found |= values
    return found


def refuse_faults() -> None:
    """Raise Refused when a value cannot work."""
    faults = [fault for owner in declared().values() for fault in owner.faults]
    if environment.DOT_ENV_FAULT:
        faults.insert(0, environment.DOT_ENV_FAULT)
    environment.refuse(faults, title="The settings refuse to start", remedy=_REMEDY)


def refuse_weak() -> None:
    """Raise Refused when a secret is missing, weak, or a sample: for production."""
    faults = [weakness for owner in declared().values() for weakness in owner.weaknesses]
    environment.refuse(faults, title="Production refuses to start", remedy=_REMEDY)


def check_names(app_configs: object, **_: Any) -> list[checks.CheckMessage]:
    """Warns of each variable that resembles a declared one but is none, such as a typing error."""
    return [
        checks.Warning(
            f"The environment variable {name} is set, and nothing reads it.",
            hint=f"{f'{close[0]} may be meant. ' if close else ''}docs/configuration.md lists all variables.",
            id="config.W001",
        )
        for name, close in unknown_names(environment.names()).items()
    ]


def unknown_names(given: Collection[str]) -> dict[str, list[str]]:
    """The names that resemble a declared one, each with the probable one. Compose's own variables are known."""
    known = [variable.name for variable in variables()]
    beginnings = Counter(name.partition("_")[0] for name in known if "_" in name)
    compose = BASE_DIR / "docker-compose.yml"
    others = (
        set(re.findall(r"\$\{(\w+)", compose.read_text(encoding="utf-8"))) if compose.is_file() else set()
    )
    found = {}
    files = {f"{name}_FILE" for name in known}
    for name in sorted(set(given) - {*known} - others - files):
        close = get_close_matches(name, known, n=1, cutoff=0.85)
        begins = beginnings[name.partition("_")[0]] > 1 and "_" in name
        if (close or begins) and not _OF_A_CLUSTER.search(name):
            found[name] = close
    return found


def _claim(owners: dict[str, str], name: str, owner: str, kind: str) -> None:
    if (other := owners.setdefault(name, owner)) != owner:
        raise ImproperlyConfigured(
            f"The {kind} {name} is declared by {other} and by {owner}: let one of them have it, or rename one."
        )
