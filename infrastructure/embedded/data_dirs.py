"""Decides where the servers of a checkout keep their data, and under which account, safe from other users.

An ordinary user's data is in `.data/` of the checkout. PostgreSQL refuses to run as root, so root's servers run as
`nobody`, with their data below /var/lib/development-servers: that account cannot enter a checkout under /root, and folders
that this project did not create keep their permissions. Nothing here starts a process.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infrastructure.embedded import errors
from infrastructure.embedded.processes import Account
from infrastructure.product import PRODUCT

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = "development-servers"
SYSTEM_HOMES = (Path("/var/lib") / FOLDER, Path("/var/tmp") / FOLDER)
THROWAWAY = "test-servers-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folder with both servers' data, and the account that owns the writable parts."""

    path: Path
    account: Account | None

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    def server_folder(self, name: str) -> Path:
        """A folder that only its server's account can enter."""
        return own_folder(self.path / name, mode=0o700, account=self.account)

    def credentials(self) -> dict[str, str]:
        """The generated passwords and last used ports, created on first use with mode 0600."""
        path = self.path / "credentials.json"
        if not path.exists():
            self.remember({"postgres": secrets.token_hex(24), "valkey": secrets.token_hex(24)})
        content: dict[str, str] = json.loads(path.read_text())
        return content

    def remember(self, content: dict[str, str]) -> None:
        """Write the credentials atomically."""
        write_private(self.path / "credentials.json", json.dumps(content))


def write_private(path: Path, text: str, *, account: Account | None = None) -> None:
    """Replace a file atomically by one that only its owner can read."""
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        if account is not None:
            os.fchown(descriptor, account.uid, account.gid)
        file.write(text)
    scratch.replace(path)


def own_folder(path: Path, *, mode: int, account: Account | None = None) -> Path:
    """Create a folder, or check that the existing one is ours and no link. Raises Unsuitable."""
    owner = account.uid if account else os.geteuid()
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        pass
    except OSError as error:
        raise errors.Unsuitable(f"{path}: {error.strerror}") from error
    else:
        if account is not None:
            os.chown(path, account.uid, account.gid)
        path.chmod(mode)  # independent of the umask
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) & 0o077 & ~mode:
        # Created by another tool under a laxer umask.
        path.chmod(mode)
        found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise errors.Unsuitable(f"{path} belongs to another user: remove it, or run as its owner")
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise errors.Unsuitable(
            f"{path} can be written by others (a file system without permissions, perhaps)"
        )
    return path


def server_account() -> Account | None:
    """The account for the servers: None is our own, unless we are root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(name="nobody", uid=65534, gid=65534)
    return Account(name="nobody", uid=entry.pw_uid, gid=entry.pw_gid)


def is_reachable(path: Path, account: Account | None) -> bool:
    """Whether an account can enter a folder, or read a file, by the permissions of all folders above it."""
    if account is None:
        return True
    for step in (path, *path.parents):
        found = step.stat()
        shift = 6 if found.st_uid == account.uid else 3 if found.st_gid == account.gid else 0
        needed = 0o5 if step == path else 0o1
        if (found.st_mode >> shift) & needed != needed:
            return False
    return True


def local_folder(checkout: Path = CHECKOUT) -> Path:
    """`.data/` of the checkout: the instance's name, locks and state, and an ordinary user's data."""
    try:
        return own_folder(checkout / ".data", mode=0o700)
    except errors.Unsuitable as error:
        if not os.access(checkout, os.W_OK):
            raise errors.Unsuitable(
                f"{checkout} is not writable: clone the project into a folder of your own"
            ) from error
        raise


def persistent(checkout: Path = CHECKOUT) -> Home:
    """The home that is kept between runs."""
    account = server_account()
    local = local_folder(checkout)
    if account is None:
        try:
            return Home(path=own_folder(local / "servers", mode=0o700), account=None)
        except errors.Unsuitable:
            # Windows' drives under WSL and some shared folders know no permissions; PostgreSQL insists on them.
            state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
            state.mkdir(parents=True, exist_ok=True)
            above = own_folder(state / FOLDER, mode=0o700)
            return Home(path=instance_folder(checkout, above, mode=0o700), account=None)
    above = system_home(account)
    return Home(path=instance_folder(checkout, above, mode=0o755), account=account)


def system_home(account: Account) -> Path:
    """The folder for root's servers, outside of all checkouts. Raises Unsuitable without one."""
    for above in SYSTEM_HOMES:
        if above.parent.is_dir() and is_reachable(above.parent, account) and os.access(above.parent, os.W_OK):
            return own_folder(above, mode=0o755)
    raise errors.Unsuitable("no folder for root's database (/var/lib, /var/tmp): run as an ordinary user")


def instance_folder(checkout: Path, above: Path, *, mode: int) -> Path:
    """This checkout's data outside of the checkout.

    Its name is random and kept in `.data/`, so that a moved checkout keeps its data, and a new clone at an old path starts
    empty. The folder records its checkout, so that a copied checkout gets a folder of its own.
    """
    note = checkout / ".data" / "instance"
    if not note.exists():
        write_private(note, secrets.token_hex(8))
    name = note.read_text().strip()
    for former in PRODUCT.formerly:  # earlier releases kept it below the product's slug
        if (earlier := above.with_name(former) / name).is_dir() and not (above / name).exists():
            earlier.rename(above / name)
    folder = own_folder(above / name, mode=mode)
    label = folder / "checkout"
    if label.exists() and is_copy(checkout, note, Path(label.read_text())):
        note.unlink()
        return instance_folder(checkout, above, mode=mode)
    write_private(label, str(checkout))
    return folder


def is_copy(checkout: Path, note: Path, recorded: Path) -> bool:
    """Whether the data belongs to another existing checkout with the same name."""
    twin = recorded / ".data" / "instance"
    return recorded != checkout and twin.exists() and twin.read_text() == note.read_text()


@contextlib.contextmanager
def throwaway() -> Iterator[Home]:
    """A home for one test session, removed at its end. Also removes those of killed sessions."""
    account = server_account()
    above = next(
        folder
        for folder in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/tmp"))
        if folder.is_dir() and is_reachable(folder.resolve(), account) and os.access(folder, os.W_OK)
    )
    remove_abandoned(above)
    path = Path(tempfile.mkdtemp(prefix=THROWAWAY, dir=above))
    with (path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if account is not None:
            path.chmod(0o755)
        try:
            yield Home(path=path, account=account)
        finally:
            shutil.rmtree(path, ignore_errors=True)


def remove_abandoned(above: Path) -> None:
    """Remove our throwaway homes whose lock is free: their session has ended."""
    for path in above.glob(f"{THROWAWAY}*"):
        with contextlib.suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.geteuid():
                continue
            with (path / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
