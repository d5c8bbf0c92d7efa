"""The socket of notifications for the campaigns over the whole API."""

from __future__ import annotations

from apps.users.models import User


def socket_path(user: User) -> str:
    return "/ws/notifications/"
