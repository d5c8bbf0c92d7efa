"""The tree of domain errors. Knows neither HTTP nor DRF nor WebSocket.

A slice subclasses the kind of failure and names it::

    class EmailTaken(Conflict):
        code = "email_taken"
        detail = "An account with this address exists."

`apps.api.problems` translates kinds into problem documents, consumers of sockets translate them into error frames. `code`
is stable and part of the API; `detail` is safe to show to any caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:  # rate_limits imports the Redis client
    from apps.common.rate_limits import Quota

_Raising = TypeVar("_Raising", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """An error of one input field; `field` is its path in the input (`address.city`, `items.2`)."""

    field: str
    code: str
    detail: str


class DomainError(Exception):
    """Base of every error that a caller may see. Raise a subclass of one of the kinds below."""

    code: ClassVar[str] = "error"
    detail: str = "The request could not be carried out."

    def __init__(self, detail: str | None = None, *, errors: Iterable[FieldError] = ()) -> None:
        self.detail = detail if detail is not None else type(self).detail
        self.errors: tuple[FieldError, ...] = tuple(errors)
        super().__init__(self.detail)


class InvalidInput(DomainError):
    """The input is malformed or breaks a rule of one of its fields."""

    code = "invalid_input"
    detail = "The input is not valid."


class NotAuthenticated(DomainError):
    """The caller sent no credential, or one that is not valid."""

    code = "not_authenticated"
    detail = "Sign in to do this."


class Denied(DomainError):
    """The caller is authenticated and lacks the permission."""

    code = "permission_denied"
    detail = "You may not do this."


class SecondFactorRequired(Denied):
    """The role grants the permission only with a second factor."""

    code = "second_factor_required"
    detail = "Set up a second factor first, and sign in with it."


class NotFound(DomainError):
    """The object does not exist, or the caller may not know that it exists."""

    code = "not_found"
    detail = "Not found."


class Conflict(DomainError):
    """The current state does not allow the change."""

    code = "conflict"
    detail = "This conflicts with the current state."


class Gone(DomainError):
    """The object existed and has ended permanently."""

    code = "gone"
    detail = "This is no longer available."


class Unprocessable(DomainError):
    """The input is well-formed and cannot be processed."""

    code = "unprocessable"
    detail = "This cannot be processed."


class TooManyRequests(DomainError):
    """A rate limit is exceeded. `retry_after` is in seconds, taken from `quota` when given."""

    code = "too_many_requests"
    detail = "Too many requests. Try again later."

    def __init__(
        self, detail: str | None = None, *, retry_after: int = 1, quota: Quota | None = None
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after if quota is None else quota.retry_after
        self.quota = quota


class Unavailable(DomainError):
    """A required service is unavailable; `retry_after` is in seconds."""

    code = "unavailable"
    detail = "This is not available right now. Try again later."

    def __init__(self, detail: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


def raises(*failures: type[DomainError]) -> Callable[[_Raising], _Raising]:
    """Lists failures of an authenticator, or of a method of a plain DRF view, in the schema."""

    def mark(function: _Raising) -> _Raising:
        function.raises = failures  # type: ignore[attr-defined]
        return function

    return mark
