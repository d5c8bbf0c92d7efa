"""The configurations of editors and of the dev container name commands, files and ports that exist."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from config.env import BASE_DIR

MAKEFILE = (BASE_DIR / "Makefile").read_text(encoding="utf-8")
FILES = [
    *sorted((BASE_DIR / ".vscode").glob("*.json")),
    *sorted((BASE_DIR / ".idea" / "runConfigurations").glob("*.xml")),
    BASE_DIR / ".devcontainer" / "devcontainer.json",
]


def load(name: str) -> Any:
    return json.loads((BASE_DIR / name).read_text(encoding="utf-8"))


def unknown(command: str) -> list[str]:
    """The words of a `make` command that the Makefile does not know."""
    program, *words = command.split()
    assert program == "make"
    assert words
    return [
        word
        for word in words
        if not re.search(
            rf"^{word}:" if "=" not in word else rf"\$\(.*\b{word.partition('=')[0]}\b",
            MAKEFILE,
            re.MULTILINE,
        )
    ]


def commands() -> list[str]:
    """Every command that a configuration runs."""
    targets = [ET.parse(path).getroot().find(".//makefile") for path in FILES if path.suffix == ".xml"]
    return [
        *(task["command"] for task in load(".vscode/tasks.json")["tasks"]),
        *(
            f"make {target.get('target')} {target.get('arguments')}"
            for target in targets
            if target is not None
        ),
        load(".devcontainer/devcontainer.json")["postCreateCommand"],
    ]


@pytest.mark.parametrize("command", commands())
def test_commands_exist(command: str) -> None:
    assert unknown(command) == []


@pytest.mark.parametrize("command", ["make nothing", "make test NOTHING=1"])
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    assert unknown(command) == [command.rsplit(maxsplit=1)[-1]]


def test_debuggers_attach_to_the_ports_of_make_debug() -> None:
    launch = load(".vscode/launch.json")
    found = {
        one["name"]: one["connect"]["port"] for one in launch["configurations"] if one["request"] == "attach"
    }
    match = re.search(r"^DEBUG_PORT \?= (\d+)$", MAKEFILE, re.MULTILINE)
    assert match is not None
    assert list(found.values()) == [int(match[1]) + number for number in range(3)]
    assert [compound["configurations"] for compound in launch["compounds"]] == [list(found)]


def test_programs_and_modules_exist() -> None:
    for one in load(".vscode/launch.json")["configurations"]:
        assert one["request"] == "attach" or one.get("module") or one.get("program")
        assert "module" not in one or find_spec(one["module"]) is not None
        assert (
            "program" not in one or Path(one["program"].replace("${workspaceFolder}", str(BASE_DIR))).exists()
        )


def test_the_container_has_the_extensions_that_the_editor_recommends() -> None:
    container = load(".devcontainer/devcontainer.json")
    assert (
        container["customizations"]["vscode"]["extensions"]
        == load(".vscode/extensions.json")["recommendations"]
    )
    port = re.search(r"^PORT \?= (\d+)$", MAKEFILE, re.MULTILINE)
    assert port is not None
    assert container["forwardPorts"] == [int(port[1])]


def test_they_are_committed() -> None:
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", *map(str, FILES)],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")


def test_lines_are_as_long_as_the_linter_lets_them_be() -> None:
    settings = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    text = (BASE_DIR / ".editorconfig").read_text(encoding="utf-8")
    editor = configparser.ConfigParser()
    editor.read_string(f"[top]\n{text}")
    assert int(editor["*"]["max_line_length"]) == settings["tool"]["ruff"]["line-length"]
