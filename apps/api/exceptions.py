"""Failures of service keys."""

from apps.common.exceptions import Denied, InvalidInput, NotAuthenticated, NotFound


class ServiceKeyInvalid(InvalidInput):
    """A key needs a name of up to 64 characters and at least one scope."""

    code = "service_key_invalid"
    detail = "A service key needs a name and at least one scope."


class ServiceKeyNotFound(NotFound):
    """No active key has this prefix."""

    code = "service_key_not_found"
    detail = "There is no live service key with this prefix."


class ServiceKeyRefused(NotAuthenticated):
    """The key is unknown, revoked or expired; the answer does not tell which."""

    code = "service_key_refused"
    detail = "The service key is not valid."


class OutOfScope(Denied):
    """The key is valid, but not for this route."""

    code = "out_of_scope"
    detail = "The service key is not scoped to this route."
