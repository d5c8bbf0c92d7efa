"""What follows here from events of other slices."""

from __future__ import annotations

from apps.common import events
from apps.notifications import tasks
from apps.users.events import UserErased


@events.on(UserErased)
def forget(event: UserErased) -> None:
    """What an account was told goes with it."""
    tasks.forget_user.delay(user_id=str(event.user_id))
