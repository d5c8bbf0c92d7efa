"""What can go wrong with clients. Every message says what to do."""

from __future__ import annotations


class ClientsError(Exception):
    """Clients could not be generated, compared or copied. Nothing was changed."""


class FolderRefused(ClientsError):
    """A folder that is not ours to write to."""


class ToolsMissing(ClientsError):
    """The generators are not installed, or not at the pinned versions."""


class GenerationFailed(ClientsError):
    """A generator failed. The last good output is where it was."""
