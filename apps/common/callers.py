"""The caller of a request or socket. Authenticators make it; guards and policies check it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

ALL: Final = "*"
"""Every permission, also those of slices that are added later."""


class CallerKind(StrEnum):
    ANONYMOUS = "anonymous"
    USER = "user"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of one request or socket.

    `user` is the account's model instance (`Any`, because this module imports no slice), `session_id` its session,
    `service` the name of a service key. Built for each request and never cached: permissions come from the database.
    """

    kind: CallerKind
    user: Any = None
    session_id: UUID | None = None
    service: str = ""

    @property
    def is_authenticated(self) -> bool:
        return self.kind is not CallerKind.ANONYMOUS

    @property
    def is_user(self) -> bool:
        return self.kind is CallerKind.USER

    @property
    def is_admin(self) -> bool:
        """Whether the user's role grants access to the admin zone."""
        return self.kind is CallerKind.USER and bool(self.user.is_admin)

    def may(self, permission: StrEnum) -> bool:
        """Whether the user's role grants a permission. Services have scopes instead of permissions."""
        return self.kind is CallerKind.USER and bool(self.user.may(permission))

    @property
    def lacks_second_factor(self) -> bool:
        """Whether the user's role requires a second factor that the user has not set up."""
        return self.kind is CallerKind.USER and bool(getattr(self.user, "lacks_second_factor", False))

    def throttle_key(self, address: str) -> str:
        """The key of rate limits: the user, the service, or the address of an anonymous caller."""
        if self.kind is CallerKind.USER:
            return f"user:{self.user.pk}"
        if self.kind is CallerKind.SERVICE:
            return f"service:{self.service}"
        return f"address:{address}"


ANONYMOUS: Final = Caller(kind=CallerKind.ANONYMOUS)
