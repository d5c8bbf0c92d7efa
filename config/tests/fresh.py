"""Settings reloaded in this process, from an environment that a test gives."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pytest

import infrastructure.telemetry
from config import env
from infrastructure.environment import Refused
from infrastructure.telemetry import uncaught
from scripts import dotenv

# Neither is connected to while settings load.
NOWHERE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}


def strong() -> dict[str, str]:
    """What `make env` writes for production."""
    values = dotenv.values()
    del values["POSTGRES_PASSWORD"], values["REDIS_PASSWORD"]
    return values


def settings(environment: str, given: dict[str, str]) -> dict[str, Any]:
    """The settings of `config.settings.<environment>` where only `given` is set. Raises Refused."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in env.variables():
            patch.delenv(variable.name, raising=False)
        for name, value in {**NOWHERE, **(strong() if environment == "production" else {}), **given}.items():
            patch.setenv(name, value)
        for name in _loaded():
            parent, _, leaf = name.rpartition(".")
            patch.setattr(sys.modules[parent], leaf, sys.modules[name])
            patch.delitem(sys.modules, name)
        patch.setattr(infrastructure.telemetry, "configure", lambda **_: None)
        patch.setattr(uncaught, "install", lambda: None)
        patch.setattr(sys, "excepthook", sys.excepthook)
        try:
            return dict(vars(import_module(f"config.settings.{environment}")))
        finally:
            for name in _loaded():
                del sys.modules[name]


def refusal(environment: str, **given: str) -> list[str]:
    """What is wrong with these variables, one a line; none when the settings load."""
    try:
        settings(environment, given)
    except Refused as error:
        return [line.removeprefix("  - ") for line in str(error).splitlines() if line.startswith("  - ")]
    return []


def _loaded() -> list[str]:
    """The modules of settings; packages hold nothing that depends on the environment."""
    return [
        name
        for name, module in sys.modules.items()
        if (name.startswith("config.settings.") and not hasattr(module, "__path__"))
        or (name.startswith("apps.") and name.endswith(".settings"))
    ]
