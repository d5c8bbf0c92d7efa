"""The worker's consumer: a message that is no valid task neither ends the worker nor is lost without a record.

Celery drops such messages after a line in the log, and some end the worker. Here Celery's signal `task_rejected` is sent
first, with an `Unusable` as its message. `apps.common.tasks.celery_task` records it.
"""

from __future__ import annotations

import json
from typing import Any

import redis
from celery import signals
from celery.utils.log import get_logger
from celery.worker import consumer

from infrastructure.scheduling.transport import Unusable
from infrastructure.telemetry import tasks


class Consumer(consumer.Consumer):
    """Celery's consumer, which survives any error of a message."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Any:
        """Celery's, for messages of the right form only."""
        take = super().create_task_handler(*args, **kwargs)

        def take_safely(message: Any) -> None:
            try:
                _parts(message)
                take(message)
            except (OSError, redis.ConnectionError, redis.TimeoutError):
                raise  # the broker's, not the message's
            except Exception as error:  # noqa: BLE001  (recorded)
                self._refuse(message, error)

        return take_safely

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """The body cannot be decoded, or has a content type that is not accepted."""
        self._refuse(message, exc)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """No task has this name; another release may know it."""
        self._refuse(message, LookupError(f"No task is named {message.headers['task']!r}."))

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """The headers have the wrong form."""
        self._refuse(message, exc)

    def _refuse(self, message: Any, error: Exception) -> None:
        # The raw form is the only one that has all of it.
        text = json.dumps(message._raw, default=repr)  # noqa: SLF001
        try:
            unusable = Unusable(text=text, **_parts(message))
        except Exception:  # noqa: BLE001  (that it has no parts is what `error` says, or less than it)
            unusable = Unusable(text=text)
        signals.task_rejected.send(sender=self, message=unusable, exc=error)
        if not message.acknowledged:
            message.reject_log_error(get_logger(__name__), self.connection_errors)  # type: ignore[attr-defined]


def _parts(message: Any) -> dict[str, Any]:
    """The parts of a task as fields of `Unusable`. Raises ValueError, or any error of decoding the body."""
    headers = message.headers
    name, task_id = headers.get("task"), headers.get("id")
    if not (isinstance(name, str) and isinstance(task_id, str)):
        raise ValueError("The message names no task, or has no id.")  # noqa: TRY004  (of a field, not of an argument)
    limits = headers.get("timelimit") or (None, None)
    if len(limits) != 2 or not all(one is None or isinstance(one, int | float) for one in limits):
        raise ValueError("The time limits of the task are no numbers.")
    args, kwargs, _ = message.decode()
    if not (isinstance(args, list) and isinstance(kwargs, dict)):
        raise ValueError("The arguments of the task are no list and no object.")  # noqa: TRY004  (as above)
    request_id = next((headers[key] for key in tasks.HEADERS if key in headers), "")
    return {
        "task_id": task_id,
        "name": name,
        "args": args,
        "kwargs": kwargs,
        "request_id": request_id if isinstance(request_id, str) else "",
    }
