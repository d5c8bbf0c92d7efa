"""Errors of notifications."""

from __future__ import annotations

from apps.common.exceptions import InvalidInput, NotFound, TooManyRequests


class NotificationNotFound(NotFound):
    code = "notification_not_found"
    detail = "There is no such notification."


class RecipientNotFound(NotFound):
    """The account does not exist or is not active."""

    code = "recipient_not_found"
    detail = "There is no such account."


class InvalidLink(InvalidInput):
    code = "invalid_link"
    detail = "A link is a path of this site, beginning with a single slash."


class LinkUnusable(InvalidInput):
    """The link of a digest was tampered with, or its user has no inbox."""

    code = "unsubscribe_unusable"
    detail = "This link is not valid. Change your preferences instead."


class TooManyStreams(TooManyRequests):
    """A user or an address has as many open streams as it may."""

    code = "too_many_streams"
    detail = "Close another stream first."
