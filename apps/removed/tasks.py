"""Background tasks of the slice. Each calls an idempotent service."""

from __future__ import annotations

from functools import partial

from django.db import OperationalError

from apps.common.tasks import celery_task
from apps.removed import services

_task = partial(celery_task.calling, module=__name__, retry_for=(OSError, OperationalError))

forget_user = _task(services.forget_user)
delete_folder = _task(services.delete_folder)
