"""What can go wrong with notifications, by name."""

from __future__ import annotations

from apps.common.exceptions import InvalidInput, NotFound, TooManyRequests


class NotificationNotFound(NotFound):
    """No such notification of the caller's."""

    code = "notification_not_found"
    detail = "There is no such notification."


class RecipientNotFound(NotFound):
    """No account that could be told anything."""

    code = "recipient_not_found"
    detail = "There is no such account."


class InvalidLink(InvalidInput):
    """A link that leads elsewhere."""

    code = "invalid_link"
    detail = "A link is a path of this site: it begins with one slash."


class LinkUnusable(InvalidInput):
    """The link of a digest was tampered with, or is of nobody."""

    code = "unsubscribe_unusable"
    detail = "This link does not hold. Change your preferences instead."


class TooManyStreams(TooManyRequests):
    """A person or an address holds as many streams as they may."""

    code = "too_many_streams"
    detail = "Close another stream first."
