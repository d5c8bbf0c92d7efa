"""Generates Python packages from schemas. apps/api/clients starts it with the Python of the tools and a job on standard input:

    {"packages": [{"unit", "schema", "folder", "modules": {"<path below folder>": "<text>"}}]}

`folder` is the import package. `modules` replace generated modules. Prints a line of JSON for each finished unit. Exits
with a non-zero code after a failure, and after a warning of the generator.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType
from ruff.__main__ import find_ruff_bin

TEMPLATES = Path(__file__).parent / "python_templates"
# Written by the generator, and unused with our template.
LEFT_OUT = ("client.py", "errors.py")
RUFF = {
    "check": ["--fix-only", "--select", "I,F401,F811,UP", "--target-version", "py311"],
    "format": ["--line-length", "110", "--target-version", "py311"],
}


def make(package: dict[str, Any]) -> None:
    """Write one package. Raises SystemExit with the warnings of the generator."""
    folder = Path(package["folder"])
    config = Config.from_sources(
        ConfigFile(post_hooks=[], project_name_override=folder.name, package_name_override=folder.name),
        meta_type=MetaType.NONE,
        document_source=Path(package["schema"]),
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder,
    )
    with contextlib.redirect_stdout(sys.stderr):
        problems = generate(config=config, custom_template_path=TEMPLATES)
    if problems:
        raise SystemExit("\n".join(f"{package['unit']}: {one.header} {one.detail or ''}" for one in problems))
    for name in LEFT_OUT:
        (folder / name).unlink()
    for name, text in package["modules"].items():
        (folder / name).write_text(text, encoding="utf-8")
    for command, options in RUFF.items():
        subprocess.run(
            [find_ruff_bin(), command, "--isolated", "--no-cache", "--quiet", *options, str(folder)],
            check=True,
        )
    print(json.dumps({"done": package["unit"]}), flush=True)


if __name__ == "__main__":
    for item in json.load(sys.stdin)["packages"]:
        make(item)
