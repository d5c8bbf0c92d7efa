"""The two stores of uploads (`default`, `private`): writes are atomic, and all failures of a store are one error."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Final

import structlog
from django.core.files.base import File
from django.core.files.storage import storages

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_log = structlog.get_logger(__name__)


class StorageUnavailable(OSError):
    """The store is full, unreachable or broken. The text may be shown; `retry_after` is in seconds."""

    retry_after = 30


def save(store: str, key: str, content: File[bytes]) -> str:
    """Write a file under an unused key, or nothing. Raises StorageUnavailable."""
    try:
        with _translated(store):
            return storages[store].save(key, content)
    except BaseException:
        try:
            delete(store, key)
        except StorageUnavailable:
            _log.warning("storage.partial_file_left", store=store, key=key)
        raise


def open_file(store: str, key: str) -> IO[bytes]:
    """A stored file for reading; callers close it. Raises FileNotFoundError, StorageUnavailable."""
    with _translated(store):
        return storages[store].open(key)


def delete(store: str, key: str) -> None:
    """Remove a file; a missing one is no error. Raises StorageUnavailable."""
    with _translated(store):
        storages[store].delete(key)


def sweep(store: str, folder: str, *, before: datetime, known: Iterable[str]) -> int:
    """Delete the files of a folder that are older than `before` and not among `known`, which is read after the folder.

    Returns the number of files deleted. Raises StorageUnavailable.
    """
    storage, count = storages[store], 0
    with _translated(store):
        try:
            orphans = {f"{folder}/{name}" for name in storage.listdir(folder)[1]}
        except FileNotFoundError:
            return 0
        orphans.difference_update(known)
        for key in orphans:
            if storage.get_modified_time(key) < before:
                storage.delete(key)
                count += 1
    if count:
        _log.info("storage.orphans_deleted", store=store, folder=folder, count=count)
    return count


@contextmanager
def _translated(store: str) -> Iterator[None]:
    """Turns errors of a disk and of an S3 client into StorageUnavailable; a missing file stays FileNotFoundError."""
    try:
        yield
    except (FileNotFoundError, StorageUnavailable):
        raise
    except _failures() as error:
        reason = getattr(error, "errno", None)
        _log.error("storage.unavailable", store=store, cause=type(error).__name__, errno=reason)
        detail = (
            "There is no room for this file right now."
            if reason in _FULL
            else "Files cannot be stored or read right now."
        )
        raise StorageUnavailable(f"{detail} Try again later.") from error


def _failures() -> tuple[type[Exception], ...]:
    boto3, botocore = sys.modules.get("boto3.exceptions"), sys.modules.get("botocore.exceptions")
    if boto3 is None or botocore is None:
        return (OSError,)
    return (OSError, boto3.Boto3Error, botocore.BotoCoreError, botocore.ClientError)
