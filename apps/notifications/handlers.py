"""Consequences of events of other slices."""

from __future__ import annotations

from apps.common import events
from apps.notifications import tasks
from apps.removed.events import SliceRemoved
from apps.users.events import UserErased

events.on(UserErased, task=tasks.forget_user, name="apps.notifications.handlers.forget")
events.on(SliceRemoved, task=tasks.retract_slice)
