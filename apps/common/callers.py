"""Who calls: one frozen value for HTTP and WebSocket, made by an authenticator, judged by guards and policies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

ALL: Final = "*"
"""Stands for every permission, those of slices to come included."""


class CallerKind(StrEnum):
    """What sort of credential was shown."""

    ANONYMOUS = "anonymous"
    USER = "user"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of one request or socket.

    `user` is the account's model instance (typed loosely: this module knows no slice), `session_id` its live session,
    `service` the name of a service key. It is built anew for each request and never cached: whether a caller may act is
    decided on what the database says now.
    """

    kind: CallerKind
    user: Any = None
    session_id: UUID | None = None
    service: str = ""

    @property
    def is_authenticated(self) -> bool:
        """True for a signed-in user and for a service."""
        return self.kind is not CallerKind.ANONYMOUS

    @property
    def is_user(self) -> bool:
        """True for a signed-in person."""
        return self.kind is CallerKind.USER

    @property
    def is_admin(self) -> bool:
        """True for a signed-in person whose role opens the admin zone."""
        return self.kind is CallerKind.USER and bool(self.user.is_admin)

    def may(self, permission: StrEnum) -> bool:
        """Whether a signed-in person's role grants a permission. Services hold none: their keys have scopes."""
        return self.kind is CallerKind.USER and bool(self.user.may(permission))

    @property
    def lacks_second_factor(self) -> bool:
        """True for a signed-in person whose role opens nothing until they have a second factor."""
        return self.kind is CallerKind.USER and bool(getattr(self.user, "lacks_second_factor", False))

    def throttle_key(self, address: str) -> str:
        """What rate limits count by: the user, the service, or for anonymous callers their address."""
        if self.kind is CallerKind.USER:
            return f"user:{self.user.pk}"
        if self.kind is CallerKind.SERVICE:
            return f"service:{self.service}"
        return f"address:{address}"


ANONYMOUS: Final = Caller(kind=CallerKind.ANONYMOUS)
