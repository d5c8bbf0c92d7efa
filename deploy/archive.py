"""The file of a backup: one tar of pieces, encrypted while it is written, so that nothing readable touches the disk.

Its members are `<stream>/<number>`, pieces of the database dump and of the uploads, and at the end `manifest.json`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from deploy.docker import ROOT, Compose, Failure

PIECE = 4 << 20
_AGE = b"age-encryption.org/"
# In the image: whatever release made it, this checkout's code opens it.
_SEAL = (
    "run",
    "--rm",
    "--no-deps",
    "--no-TTY",
    "--env",
    "BACKUP_KEY",
    "--entrypoint",
    "python",
    "migrate",
    "-I",
    "-c",
)


def _in_image(compose: Compose, action: str, **pipes: Any) -> subprocess.Popen[bytes]:
    """The encryption of the image, with BACKUP_KEY."""
    key = compose.value("BACKUP_KEY")
    if len(key) < 32:
        raise Failure("BACKUP_KEY is missing in .env, or shorter than 32 characters: `make env` adds one.")
    source = (ROOT / "deploy" / "seal.py").read_text(encoding="utf-8")
    return compose.popen(*_SEAL, source, action, variables={"BACKUP_KEY": key}, **pipes)


def _age(*words: str, **pipes: Any) -> subprocess.Popen[bytes]:
    if not shutil.which("age"):
        raise Failure("This backup is encrypted for a recipient of age, and `age` is not installed.")
    return subprocess.Popen(["age", *words], **pipes)


def _seal(compose: Compose, target: IO[bytes]) -> subprocess.Popen[bytes]:
    """The command that encrypts its input into the target."""
    recipient = compose.value("BACKUP_AGE_RECIPIENT")
    if recipient:
        return _age("-r", recipient, stdin=subprocess.PIPE, stdout=target)
    return _in_image(compose, "seal", stdin=subprocess.PIPE, stdout=target)


def _open(compose: Compose, source: IO[bytes], identity: str | None) -> subprocess.Popen[bytes]:
    """The command that decrypts the source to its output, by the method that the file names."""
    pipes: dict[str, Any] = {"stdin": source, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    is_age = source.read(len(_AGE)) == _AGE
    source.seek(0)
    if not is_age:
        return _in_image(compose, "open", **pipes)
    if not identity:
        raise Failure("This backup is encrypted for a recipient of age: name its key with --identity FILE.")
    return _age("--decrypt", "-i", identity, **pipes)


def _close(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


class Writer:
    """Adds streams to a backup that is being written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.streams: dict[str, dict[str, Any]] = {}

    def _member(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data))

    def add(self, name: str, source: IO[bytes]) -> None:
        """A stream to its end."""
        digest, size, number = hashlib.sha256(), 0, 0
        while (data := source.read(PIECE)) or not number:
            self._member(f"{name}/{number:08}", data)
            digest.update(data)
            size, number = size + len(data), number + 1
        self.streams[name] = {"bytes": size, "sha256": digest.hexdigest()}

    def finish(self, manifest: dict[str, Any]) -> None:
        """The manifest, with which the backup is complete."""
        self._member("manifest.json", json.dumps({**manifest, "streams": self.streams}, indent=2).encode())


@contextlib.contextmanager
def create(compose: Compose, path: Path) -> Iterator[Writer]:
    """A backup at this path, which exists only when all of it was written."""
    partial = path.with_name(path.name + ".partial")
    process = None
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            process = _seal(compose, file)
            assert process.stdin is not None
            with tarfile.open(fileobj=process.stdin, mode="w|") as tar:
                yield Writer(tar)
            process.stdin.close()
            if process.wait():
                raise Failure("The backup could not be encrypted.")
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        if process is not None:
            process.kill()
            _close(process)
    partial.replace(path)


class _Pieces(io.RawIOBase):
    """The pieces of one stream as one file; stops before the first member that is not one of them."""

    def __init__(self, tar: tarfile.TarFile, name: str, first: tarfile.TarInfo) -> None:
        self._tar, self._name, self._member = tar, name, tar.extractfile(first)
        self.following: tarfile.TarInfo | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Bytes of this piece, or of the next one."""
        while self._member is not None:
            data = self._member.read(len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            following = self._tar.next()
            self._member = None
            if following is not None and following.name.startswith(f"{self._name}/"):
                self._member = self._tar.extractfile(following)
            else:
                self.following = following
        return 0


@contextlib.contextmanager
def streams(compose: Compose, path: Path, identity: str | None) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The streams of a backup by name, in order, each to be read to its end; the manifest is one of them."""
    if not path.is_file():
        raise Failure(f"{path} is no file.")
    with path.open("rb", buffering=0) as file:
        process = _open(compose, file, identity)
        assert process.stdout is not None and process.stderr is not None
        try:
            try:
                with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                    yield _streams(tar)
            except tarfile.TarError as error:
                said = process.stderr.read().decode(errors="replace")
                raise Failure(f"The backup cannot be read: {error}.\n{said}") from error
            while process.stdout.read(PIECE):
                pass
            if process.wait():
                raise Failure(process.stderr.read().decode(errors="replace"))
        finally:
            process.kill()
            _close(process)


def _streams(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    member = tar.next()
    while member is not None:
        name = member.name.partition("/")[0]
        pieces = _Pieces(tar, name, member)
        yield name, io.BufferedReader(pieces, PIECE)
        member = pieces.following


def read_manifest(compose: Compose, path: Path, identity: str | None) -> dict[str, Any]:
    """Read all of a backup and return its manifest. Raises Failure when anything is missing or was changed."""
    found: dict[str, str] = {}
    manifest: dict[str, Any] = {}
    with streams(compose, path, identity) as members:
        for name, stream in members:
            if name == "manifest.json":
                manifest = json.loads(stream.read())
                continue
            digest = hashlib.sha256()
            while data := stream.read(PIECE):
                digest.update(data)
            found[name] = digest.hexdigest()
    if not manifest:
        raise Failure("The backup has no manifest: it was not finished.")
    if found != {name: stream["sha256"] for name, stream in manifest["streams"].items()}:
        raise Failure("The backup holds other bytes than its manifest says.")
    return manifest
