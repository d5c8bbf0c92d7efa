"""Installs the generators of clients into .tools/clients, outside of .venv, when the locks have changed.

    python scripts/client_tools.py            install what is missing
    python scripts/client_tools.py --check    exit 1 when something is missing; needs no network

requirements/clients.txt pins the Python packages, among them Node as a wheel. The npm of that wheel installs
apps/api/clients/toolchain/package-lock.json. Every file has a pinned hash, and no install script runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# This checkout's, whichever environment runs it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bootstrap

from apps.api.clients import tools
from apps.api.clients.failures import ToolsMissing


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One installation at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "clients.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install_python(folder: Path) -> None:
    """Install the locked packages into an environment of their own. Raises bootstrap.Failure."""
    uv = [sys.executable, "-I", "-m", "uv"]
    # The same index and certificates as for .venv.
    environment = bootstrap.uv_environment(bootstrap.pip_settings([sys.executable, "-I", "-m", "pip"]))
    target = folder / "python"
    if not tools.python(folder).exists():
        bootstrap.run(
            [*uv, "venv", "--clear", "--python", sys.executable, str(target)], "making .tools", environment
        )
    bootstrap.run(
        [
            *uv,
            "pip",
            "sync",
            "--python",
            str(tools.python(folder)),
            "--require-hashes",
            "--only-binary",
            ":all:",
            str(tools.LOCK),
        ],
        "installing the generators",
        environment,
    )


def install_node(folder: Path) -> None:
    """Install the locked node_modules. Raises bootstrap.Failure."""
    node = tools.node(folder)
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    bootstrap.run(
        [str(node), str(npm), "ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"],
        "installing openapi-ts",
        environment,
    )


def install(folder: Path) -> bool:
    """Install the tools unless they are up to date. Returns whether anything was installed."""
    with contextlib.suppress(ToolsMissing):
        tools.find(folder)
        return False
    with alone(folder):
        begun = time.monotonic()
        (folder / tools.STAMP).unlink(missing_ok=True)
        lock = folder / "package-lock.json"
        known = lock.read_bytes() if lock.exists() else b""
        shutil.copytree(tools.TOOLCHAIN, folder, dirs_exist_ok=True)
        install_python(folder)
        if known != lock.read_bytes() or not (folder / "node_modules" / ".package-lock.json").exists():
            install_node(folder)
        (folder / tools.STAMP).write_text(tools.digest())
        print(f"generators ready in {time.monotonic() - begun:.1f} s", flush=True)
    return True


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["--check"]:
            tools.find()
        else:
            install(tools.FOLDER)
    except (bootstrap.Failure, ToolsMissing, subprocess.CalledProcessError) as error:
        print(f"make: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
