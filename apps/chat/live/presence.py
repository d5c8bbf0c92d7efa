"""Who is in one room, over all processes, and what its sockets know of it. Pure bookkeeping.

Each process is the authority for its own sockets. It numbers the states that they go through, and tells others a state
as a whole or what has changed since an earlier one; the higher number counts, in whatever order they arrive. A process
that tells nothing for a while has crashed.

All sockets of a room in one process know the same: the users of their welcome, and every change since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final, NamedTuple
from uuid import UUID

LIMIT: Final = 256
"""In a larger crowd nobody's coming and going is told, since everyone's would be told to everyone."""
_MISSES: Final = 2
# Higher than all before, also when a room was let go and begins anew.
_versions: Final = count(1)


class Change(NamedTuple):
    """A user came or went."""

    user_id: UUID
    name: str
    is_online: bool


@dataclass(slots=True)
class _State:
    """The users of another process. Not whole: some of what led to it was not heard."""

    version: int = 0
    users: dict[UUID, str] = field(default_factory=dict)
    is_whole: bool = False
    misses: int = 0


class Presence:
    """The users in one room: those with sockets here, and those that other processes state."""

    def __init__(self) -> None:
        self.version = 0
        """The number of this process's state."""
        self.told_version = 0
        """The number of the state that this process has told others last."""
        self._here: dict[UUID, tuple[int, str]] = {}  # the number of sockets, and the name
        self._elsewhere: dict[str, _State] = {}
        self._told: dict[UUID, str] = {}

    @property
    def here(self) -> dict[UUID, str]:
        """The users with sockets in this process, and their names."""
        return {user_id: name for user_id, (_, name) in self._here.items()}

    @property
    def processes(self) -> Collection[str]:
        """The other processes of which anything is known."""
        return self._elsewhere.keys()

    def enter(self, user_id: UUID, name: str) -> bool:
        """Add a socket of this process. True for the user's first one here."""
        sockets, known_as = self._here.get(user_id, (0, ""))
        self._here[user_id] = sockets + 1, name
        if known_as != name:
            self.version = next(_versions)
        return sockets == 0

    def leave(self, user_id: UUID) -> bool:
        """Remove a socket of this process. True for the user's last one here."""
        sockets, name = self._here[user_id]
        if sockets > 1:
            self._here[user_id] = sockets - 1, name
            return False
        del self._here[user_id]
        self.version = next(_versions)
        return True

    def apply(self, process: str, changes: Iterable[Change], *, since: int, version: int) -> None:
        """Take what has changed in another process between two of its states."""
        state = self._elsewhere.setdefault(process, _State())
        if version <= state.version:
            return
        state.is_whole = state.is_whole and since == state.version
        state.version = version
        for user_id, name, is_online in changes:
            if is_online:
                state.users[user_id] = name
            else:
                state.users.pop(user_id, None)

    def lacks(self, process: str, version: int) -> bool:
        """Whether a state of another process is newer than what is known of it, or more complete."""
        state = self._elsewhere.get(process)
        return state is None or version > state.version or (version == state.version and not state.is_whole)

    def replace(self, process: str, users: Mapping[UUID, str], *, version: int) -> None:
        """Take the state of another process as a whole."""
        if self.lacks(process, version):
            self._elsewhere[process] = _State(version, dict(users), is_whole=True)

    def note(self, process: str, *, is_alive: bool) -> bool:
        """Note whether a process tells its state. True when it is forgotten.

        One miss may be a Redis that was emptied: the process tells its state again before the next look.
        """
        state = self._elsewhere.setdefault(process, _State())
        state.misses = 0 if is_alive else state.misses + 1
        if state.misses < _MISSES:
            return False
        del self._elsewhere[process]
        return True

    def news(self) -> list[Change]:
        """What the sockets have to be told to know who is here; nothing in a crowd. It counts as told then."""
        if len(self._here) > LIMIT or any(len(one.users) > LIMIT for one in self._elsewhere.values()):
            return []
        present: dict[UUID, str] = {}
        for state in self._elsewhere.values():
            present.update(state.users)
        present.update(self.here)
        if len(present) > LIMIT:
            return []
        told, self._told = self._told, present
        went = [Change(user_id, name, False) for user_id, name in told.items() if user_id not in present]
        came = [Change(user_id, name, True) for user_id, name in present.items() if user_id not in told]
        return went + came

    def known_to(self, user_id: UUID, name: str) -> dict[UUID, str]:
        """The users that a socket knows from its welcome on: those that all others know, and its own."""
        return {**self._told, user_id: name}
