"""`make backup`, `make restore FILE=…` and `make backup-verify`: an installation's data in one encrypted file, and back.

    python -m deploy.backup create
    python -m deploy.backup restore FILE [--replace]
    python -m deploy.backup verify [FILE]

A backup holds the database as of one snapshot, the uploads, and a manifest: rows of each table, versions, fingerprints of
the keys. It does not hold the keys: keep `.env` in another place. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from deploy import archive
from deploy.database import Database
from deploy.docker import ROOT, Compose, Failure, add_options, lock, say

KEYS = ("SECRET_KEY", "JWT_KEYS", "FIELD_ENCRYPTION_KEY")
UPLOADS = ("media", "private")
STORES = ("postgres", "redis")
_SIGN_IN = """
import http.client, json, os
body = json.dumps({"email": "verify@example.com", "password": os.environ["DJANGO_SUPERUSER_PASSWORD"]})
headers = {"Content-Type": "application/json", "Host": os.environ["ALLOWED_HOSTS"].split(",")[0]}
headers["X-Forwarded-Proto"] = "https"
call = http.client.HTTPConnection("127.0.0.1", 8000, timeout=20)
call.request("POST", "/api/public/v1/auth/login/", body, headers)
print(call.getresponse().status)
"""


def fingerprints(compose: Compose) -> dict[str, list[str]]:
    """The ids of the keys of an installation, without the keys."""
    environment = compose.config["services"]["web"]["environment"]
    return {
        name: [
            hashlib.sha256(b"fingerprint:" + key.strip().encode()).hexdigest()[:16]
            for key in environment[name].split(",")
        ]
        for name in KEYS
    }


def folder(compose: Compose) -> Path:
    """The folder of backups."""
    path = ROOT / (compose.value("BACKUP_DIR") or "backups")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def backups(compose: Compose) -> list[Path]:
    """The backups of an installation, oldest first."""
    return sorted(folder(compose).glob(f"{compose.project}-*.backup"))


def create(compose: Compose) -> Path:
    """Write a backup, and remove those that are older than the newest BACKUP_KEEP (14)."""
    begun = time.monotonic()
    database = Database(compose)
    path = folder(compose) / f"{compose.project}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.backup"
    bucket = compose.value("S3_BUCKET")
    with database.snapshot() as (snapshot, rows), archive.create(compose, path) as writer:
        manifest = {
            "format": 1,
            "project": compose.project,
            "created": time.time(),
            "postgres": database.query("SHOW server_version")[0][0],
            "migrations": [".".join(row) for row in database.query(
                "SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app"
            )],
            "keys": fingerprints(compose),
            "rows": rows,
            "bucket": bucket,
        }  # fmt: skip
        _stream(
            compose,
            writer,
            "database",
            database.words("pg_dump", "--format=custom", f"--snapshot={snapshot}"),
        )
        if not bucket:
            # After the database: a file that a row names was there before the row. Files that come meanwhile do no harm.
            _stream(compose, writer, "uploads", _in_volumes("tar", "-cf", "-", *UPLOADS), fine=(0, 1))
        writer.finish(manifest)
    size = path.stat().st_size / 1e6
    say(f"backup: {path} ({size:.1f} MB, {sum(rows.values())} rows, {time.monotonic() - begun:.1f} s)")
    if bucket:
        say(f"the uploads are in the bucket {bucket} and not in the backup")
    keep = int(compose.value("BACKUP_KEEP") or 14)
    for old in backups(compose)[:-keep]:
        old.unlink()
        say(f"removed: {old.name}, older than the newest {keep}")
    return path


def _in_volumes(*words: str) -> tuple[str, ...]:
    """A command in a container of its own that has the uploads."""
    return (
        "run",
        "--rm",
        "--no-deps",
        "--no-TTY",
        "--workdir",
        "/data",
        "--entrypoint",
        words[0],
        "web",
        *words[1:],
    )


def _stream(
    compose: Compose, writer: archive.Writer, name: str, words: tuple[str, ...], fine: tuple[int, ...] = (0,)
) -> None:
    process = compose.popen(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    writer.add(name, process.stdout)
    if process.wait() not in fine:
        raise Failure(f"{name} could not be read:\n{process.stderr.read().decode(errors='replace')}")


def _feed(compose: Compose, words: tuple[str, ...], source: IO[bytes]) -> None:
    """Give a stream to a command."""
    process = compose.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    try:
        shutil.copyfileobj(source, process.stdin, archive.PIECE)
        process.stdin.close()
    except BrokenPipeError:
        pass
    said = process.stderr.read().decode(errors="replace")
    if process.wait():
        raise Failure(f"{words[3]} failed:\n{said[-3000:]}")


def load(compose: Compose, path: Path, identity: str | None, *, replace: bool) -> dict[str, Any]:
    """Put a backup's data into the stores of an installation, without starting the product. Returns the manifest."""
    manifest = archive.read_manifest(compose, path, identity)
    say(f"{path.name} is whole: {sum(manifest['rows'].values())} rows of {manifest['project']}")
    present = fingerprints(compose)
    if missing := set(manifest["keys"]["FIELD_ENCRYPTION_KEY"]) - set(present["FIELD_ENCRYPTION_KEY"]):
        raise Failure(
            f"FIELD_ENCRYPTION_KEY in .env lacks {len(missing)} of the keys that this backup was made with, and encrypted"
            f" columns could not be read (fingerprints {', '.join(sorted(missing))})."
        )
    if manifest["keys"] != present:
        say("other keys in .env than at the backup: sessions and links of that time do not hold")
    compose.run("up", "--detach", "--no-deps", "--wait", *STORES)
    database = Database(compose)
    if database.rows():
        if not replace:
            raise Failure(
                "The database is not empty. --replace drops what is there: database, uploads, cache, queues."
            )
        compose.run("stop", *(name for name in compose.config["services"] if name not in STORES))
        database.query(f'DROP DATABASE "{database.name}" WITH (FORCE)', database="postgres")
        database.query(f'CREATE DATABASE "{database.name}"', database="postgres")
        compose.run("exec", "--no-TTY", "redis", "redis-cli", "FLUSHALL")
    unpack = "find media private -mindepth 1 -delete && exec tar -xf -"
    targets = {
        "database": database.words("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction"),
        "uploads": _in_volumes("sh", "-c", unpack),
    }
    with archive.streams(compose, path, identity) as members:
        for name, stream in members:
            if name in targets:
                _feed(compose, targets[name], stream)
                say(f"{name}: restored")
            else:
                stream.read()
    return manifest


def restore(compose: Compose, options: argparse.Namespace) -> None:
    """Bring an installation back from a backup, and start it."""
    with lock(compose.project):
        load(compose, options.file, options.identity, replace=options.replace)
        compose.run("up", "--detach", "--no-build", "--wait")
        say("started; migrations that the backup lacked are applied")


def verify(compose: Compose, options: argparse.Namespace) -> None:
    """Restore a backup, the newest one if none is named, into a stack of its own, and compare. It is removed afterwards."""
    found = [options.file] if options.file else backups(compose)
    if not found:
        raise Failure("There is no backup yet: `make backup`.")
    path = found[-1]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    other = Compose(compose.env_file, f"{compose.project}-verify-{secrets.token_hex(3)}", HTTP_PORT=port)
    begun = time.monotonic()
    try:
        manifest = load(other, path, options.identity, replace=False)
        if (rows := Database(other).rows()) != manifest["rows"]:
            different = {name: (count, rows.get(name)) for name, count in manifest["rows"].items()}
            raise Failure(
                f"Rows differ: { {name: two for name, two in different.items() if two[0] != two[1]} }"
            )
        files = _compare_files(other, path, options.identity)
        # Neither worker nor beat: mails that the backup has not sent yet stay where they are.
        other.run("run", "--rm", "--no-deps", "--no-TTY", "migrate")
        other.run("up", "--detach", "--no-deps", "--no-build", "--wait", "web")
        ready = time.monotonic() - begun
        keys = other.run("exec", "--no-TTY", "web", "python", "manage.py", "rotate_field_keys", check=False)
        if keys.returncode:
            raise Failure(f"Encrypted columns cannot be read:\n{keys.stdout[-2000:]}{keys.stderr[-2000:]}")
        _sign_in(other)
    finally:
        other.run("down", "--volumes", "--remove-orphans", check=False)
    say(
        f"rows of {len(manifest['rows'])} tables and {files} files are the same; encrypted columns open; a sign-in succeeds"
    )
    minutes = (time.time() - manifest["created"]) / 60
    say(f"RPO {minutes:.1f} min (age of the backup), RTO {ready:.0f} s (restored and healthy)")


def _sign_in(compose: Compose) -> None:
    password = secrets.token_urlsafe(18)
    given = ("exec", "--no-TTY", "--env", "DJANGO_SUPERUSER_PASSWORD", "web", "python")
    variables = {"DJANGO_SUPERUSER_PASSWORD": password}
    account = ("--noinput", "--email", "verify@example.com", "--name", "Verify")
    compose.run(*given, "manage.py", "createsuperuser", *account, variables=variables)
    status = compose.run(*given, "-c", _SIGN_IN, variables=variables).stdout.strip()
    if status != "200":
        raise Failure(f"A sign-in was answered with {status}.")


def _compare_files(compose: Compose, path: Path, identity: str | None) -> int:
    """The number of uploads, which are the same in the volumes and in the backup."""
    expected: dict[str, str] | None = None  # with a bucket the backup has none
    with archive.streams(compose, path, identity) as members:
        for name, stream in members:
            if name == "uploads":
                expected = _files(stream)
            while stream.read(archive.PIECE):
                pass
    process = compose.popen(
        *_in_volumes("tar", "-cf", "-", *UPLOADS), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    found = _files(process.stdout)
    process.wait()
    if expected is None:
        return 0
    if found != expected:
        raise Failure(f"Files differ: {sorted(set(expected.items()) ^ set(found.items()))[:5]}")
    return len(expected)


def _files(stream: IO[bytes]) -> dict[str, str]:
    """The digest of each file in a tar."""
    with tarfile.open(
        fileobj=io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream, mode="r|"
    ) as tar:
        return {
            member.name: hashlib.sha256(file.read()).hexdigest()
            for member in tar
            if (file := tar.extractfile(member)) is not None
        }


def main(arguments: list[str] | None = None) -> int:
    """Run a command. 0 when it succeeded, 1 when it says why not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    commands = parser.add_subparsers(required=True)
    functions: dict[str, Callable[[Compose, argparse.Namespace], Any]] = {
        "create": lambda compose, _: create(compose),
        "restore": restore,
        "verify": verify,
    }
    for name, function in functions.items():
        command = commands.add_parser(name, help=function.__doc__)
        command.set_defaults(function=function)
        add_options(command)
        if name != "create":
            command.add_argument("file", type=Path, nargs="?" if name == "verify" else None)
            command.add_argument("--identity", metavar="FILE", help="the key of a backup that age encrypted")
        if name == "restore":
            command.add_argument("--replace", action="store_true", help="drop what the installation has now")
    options = parser.parse_args(arguments)
    try:
        options.function(Compose(options.env_file, options.project_name), options)
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
