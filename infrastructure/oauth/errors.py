"""Why nobody is signed in. The texts are for the log, not for users."""

from __future__ import annotations


class OAuthError(Exception):
    """Base."""


class ProviderUnreachable(OAuthError):
    """The provider does not answer, or not as a provider does."""


class ResponseRefused(OAuthError):
    """What the browser came back with proves nothing."""
