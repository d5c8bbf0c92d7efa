"""What follows here from events of other slices."""

from __future__ import annotations

from apps.chat import tasks
from apps.common import events
from apps.users.events import UserErased


@events.on(UserErased)
def leave_all_rooms(event: UserErased) -> None:
    """Someone is gone for good: hand their rooms on. A deactivated account keeps its place, it may come back."""
    tasks.forget_user.delay(user_id=str(event.user_id))
