"""Failures of client generation. Every message says what to do."""

from __future__ import annotations


class ClientsError(Exception):
    """Clients could not be generated, compared or copied. Nothing changed."""


class FolderRefused(ClientsError):
    """The command does not write to this folder."""


class ToolsMissing(ClientsError):
    """The generators are not installed at the pinned versions."""


class GenerationFailed(ClientsError):
    """A generator failed. The previous packages are unchanged."""
