"""Consequences of events of this slice and of others."""

from __future__ import annotations

from apps.common import events
from apps.removed import tasks
from apps.removed.events import FolderLeft
from apps.users.events import UserErased

events.on(UserErased, task=tasks.forget_user)
events.on(FolderLeft, task=tasks.delete_folder)
