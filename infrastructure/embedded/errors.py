"""Errors of the embedded stack, each one line that names the fix."""

from __future__ import annotations


class EmbeddedError(Exception):
    """Shown to the developer without a traceback."""


class ServerFailed(EmbeddedError):
    """A database server did not start, or ended by itself. Carries the end of its log."""


class Unsuitable(EmbeddedError):
    """A folder cannot hold data: wrong owner, or a file system without permissions."""
