"""Who is in a room, over all processes. Pure bookkeeping: what is told to whom is the hub's.

Each process is the authority for its own sockets; what others say of theirs is believed until their next word, or
until they are silent for too long (a process that crashed).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

Change = tuple[UUID, str, bool]
"""Someone (id, name) came (True) or went (False)."""


class Presence:
    """The people in one room: those with sockets here, and those that other processes report."""

    def __init__(self) -> None:
        self._here: Counter[UUID] = Counter()
        self._elsewhere: dict[UUID, set[str]] = {}
        self._names: dict[UUID, str] = {}

    def __len__(self) -> int:
        return len(self._names)

    def people(self, limit: int) -> list[dict[str, str]]:
        """Up to `limit` of them, as the welcome frame lists them."""
        some = zip(self._names.items(), range(limit), strict=False)
        return [{"user": str(user), "name": name} for (user, name), _ in some]

    @property
    def here(self) -> list[tuple[UUID, str]]:
        """Those with sockets in this process."""
        return [(user, self._names[user]) for user in self._here]

    def enter(self, user: UUID, name: str) -> bool:
        """A socket of this process; True for the person's first one here."""
        self._here[user] += 1
        self._names[user] = name
        return self._here[user] == 1

    def leave(self, user: UUID) -> bool:
        """A socket of this process has gone; True for the person's last one here."""
        self._here[user] -= 1
        if self._here[user] > 0:
            return False
        del self._here[user]
        self._forget_if_gone(user)
        return True

    def is_in(self, user: UUID) -> bool:
        """Whether someone has a socket anywhere."""
        return user in self._names

    def heard(self, user: UUID, name: str, process: str, *, is_online: bool) -> Change | None:
        """Another process speaks of one of its people. Returns what that changes."""
        before = user in self._names
        if is_online:
            self._elsewhere.setdefault(user, set()).add(process)
            self._names.setdefault(user, name)
        else:
            self._elsewhere.get(user, set()).discard(process)
            self._forget_if_gone(user)
        after = user in self._names
        return None if before == after else (user, name, after)

    def replace(self, reported: Iterable[tuple[UUID, str, str]]) -> list[Change]:
        """All that other processes report now, as (user, name, process). Returns what that changes."""
        before = dict(self._names)
        self._elsewhere = {}
        for user, name, process in reported:
            self._elsewhere.setdefault(user, set()).add(process)
            self._names.setdefault(user, name)
        for user in before:
            self._forget_if_gone(user)
        came = [(user, name, True) for user, name in self._names.items() if user not in before]
        went = [(user, name, False) for user, name in before.items() if user not in self._names]
        return came + went

    def _forget_if_gone(self, user: UUID) -> None:
        if user not in self._here and not self._elsewhere.get(user):
            self._elsewhere.pop(user, None)
            self._names.pop(user, None)
