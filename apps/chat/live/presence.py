"""The users online in one room, over all processes, and those that its sockets were sent. No I/O.

Each process is the authority for its own sockets. It numbers its states, and publishes a state as a whole or the changes
since an earlier one; the higher number wins, in any order of arrival. A process that publishes nothing for a while
has crashed.

All sockets of a room in one process have received the same: the users in their welcome, and every change since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final, NamedTuple
from uuid import UUID

LIMIT: Final = 256
"""With more users than this no presence is sent, since every change would go to every user."""
_MISSES: Final = 2
# Higher than all before, also when a room is dropped and opened again.
_versions: Final = count(1)


class Change(NamedTuple):
    """A user came online or went offline."""

    user_id: UUID
    name: str
    is_online: bool


@dataclass(slots=True)
class _State:
    """The users of another process. `is_whole` is False after a missed update."""

    version: int = 0
    users: dict[UUID, str] = field(default_factory=dict)
    is_whole: bool = False
    misses: int = 0


class Presence:
    """The users in one room: those with sockets in this process, and those of other processes."""

    def __init__(self) -> None:
        self.version = 0
        """The number of this process's newest state."""
        self.published_version = 0
        """The number of the last state that this process published."""
        self._here: dict[UUID, tuple[int, str]] = {}  # the number of sockets, and the name
        self._elsewhere: dict[str, _State] = {}
        self._sent: dict[UUID, str] = {}

    @property
    def here(self) -> dict[UUID, str]:
        return {user_id: name for user_id, (_, name) in self._here.items()}

    @property
    def processes(self) -> Collection[str]:
        """The other known processes."""
        return self._elsewhere.keys()

    def enter(self, user_id: UUID, name: str) -> bool:
        """Add a socket of this process. Returns True for the user's first one."""
        sockets, known_as = self._here.get(user_id, (0, ""))
        self._here[user_id] = sockets + 1, name
        if known_as != name:
            self.version = next(_versions)
        return sockets == 0

    def leave(self, user_id: UUID) -> bool:
        """Remove a socket of this process. Returns True for the user's last one."""
        sockets, name = self._here[user_id]
        if sockets > 1:
            self._here[user_id] = sockets - 1, name
            return False
        del self._here[user_id]
        self.version = next(_versions)
        return True

    def apply(self, process: str, changes: Iterable[Change], *, since: int, version: int) -> None:
        """Apply the changes between two states of another process."""
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
        """Whether a state of another process is newer than the known one, or more complete."""
        state = self._elsewhere.get(process)
        return state is None or version > state.version or (version == state.version and not state.is_whole)

    def replace(self, process: str, users: Mapping[UUID, str], *, version: int) -> None:
        if self.lacks(process, version):
            self._elsewhere[process] = _State(version, dict(users), is_whole=True)

    def note(self, process: str, *, is_alive: bool) -> bool:
        """Record whether a process still publishes its state. Returns True when it is removed.

        One miss is tolerated: if Redis was emptied, the process publishes its state again before the next check.
        """
        state = self._elsewhere.setdefault(process, _State())
        state.misses = 0 if is_alive else state.misses + 1
        if state.misses < _MISSES:
            return False
        del self._elsewhere[process]
        return True

    def take_changes(self) -> list[Change]:
        """Returns the changes to send to the sockets; none with more than LIMIT users. They count as sent."""
        if len(self._here) > LIMIT or any(len(one.users) > LIMIT for one in self._elsewhere.values()):
            return []
        present: dict[UUID, str] = {}
        for state in self._elsewhere.values():
            present.update(state.users)
        present.update(self.here)
        if len(present) > LIMIT:
            return []
        sent, self._sent = self._sent, present
        went = [Change(user_id, name, False) for user_id, name in sent.items() if user_id not in present]
        came = [Change(user_id, name, True) for user_id, name in present.items() if user_id not in sent]
        return went + came

    def known_to(self, user_id: UUID, name: str) -> dict[UUID, str]:
        """Returns the users for a socket's welcome: those that all sockets know, and its own."""
        return {**self._sent, user_id: name}
