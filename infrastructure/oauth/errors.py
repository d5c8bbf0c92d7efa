"""Errors of a sign-in. The texts are for the log, not for users."""

from __future__ import annotations


class OAuthError(Exception):
    """Base."""


class ProviderUnreachable(OAuthError):
    """The provider does not answer, or sends an unusable answer."""


class ResponseRefused(OAuthError):
    """The browser returned with an invalid response."""
