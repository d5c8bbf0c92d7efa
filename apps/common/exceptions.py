"""What can go wrong in the domain, in one tree. Pure Python: nothing here knows HTTP, DRF or WebSocket.

A slice subclasses the *kind* of failure and names it::

    class EmailTaken(Conflict):
        code = "email_taken"
        detail = "An account with this address exists."

The interfaces translate kinds, never single failures: `apps.api.problems` into problem documents, the
consumers of sockets into error frames. `code` is stable and part of the API; `detail` is safe to show to anyone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:  # the limiter needs Redis; failures need nothing
    from apps.common.rate_limits import Quota

_Raising = TypeVar("_Raising", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One fault of one input field; `field` is its path in the input (`address.city`, `items.2`)."""

    field: str
    code: str
    detail: str


class DomainError(Exception):
    """Base of every failure that a caller may be told about. Raise a subclass of one of the kinds below."""

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
    """It is not known who calls, or the proof does not hold."""

    code = "not_authenticated"
    detail = "Sign in to do this."


class Denied(DomainError):
    """It is known who calls, and they may not do this."""

    code = "permission_denied"
    detail = "You may not do this."


class SecondFactorRequired(Denied):
    """The role would allow it, and opens nothing without a second factor."""

    code = "second_factor_required"
    detail = "Set up a second factor first, and sign in with it."


class NotFound(DomainError):
    """There is no such thing, or the caller may not know that there is."""

    code = "not_found"
    detail = "There is no such thing here."


class Conflict(DomainError):
    """The state of the world does not allow it now."""

    code = "conflict"
    detail = "This is at odds with the current state."


class Gone(DomainError):
    """It was here and has ended for good."""

    code = "gone"
    detail = "This is no longer available."


class Unprocessable(DomainError):
    """Well-formed, and yet not meaningful here."""

    code = "unprocessable"
    detail = "This cannot be processed."


class TooManyRequests(DomainError):
    """A limit is used up. `retry_after` is in seconds, that of `quota` where the limit is known."""

    code = "too_many_requests"
    detail = "Too many requests. Try again later."

    def __init__(
        self, detail: str | None = None, *, retry_after: int = 1, quota: Quota | None = None
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after if quota is None else quota.retry_after
        self.quota = quota


class Unavailable(DomainError):
    """A part that this needs is away for the moment; `retry_after` is in seconds."""

    code = "unavailable"
    detail = "This is not available right now. Try again later."

    def __init__(self, detail: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


def raises(*failures: type[DomainError]) -> Callable[[_Raising], _Raising]:
    """Mark an authenticator, or a method of a plain DRF view: the schema lists the codes of these failures."""

    def mark(function: _Raising) -> _Raising:
        function.raises = failures  # type: ignore[attr-defined]
        return function

    return mark
