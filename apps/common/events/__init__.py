"""Events: what happened, as a frozen value of ids. Publishing them, and naming what follows from them.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class OrderPlaced(Event):
        name: ClassVar[str] = "orders.placed"
        order_id: UUID

    events.publish(OrderPlaced(order_id=order.id))               # in a service, inside its transaction

    events.on(OrderPlaced, task=tasks.send_confirmation)         # in handlers.py of any slice

    @events.on(OrderPlaced)                                      # the same page, where a few rows are all the work
    def count(event: OrderPlaced) -> None: ...

Fields are `UUID`, `str`, `int`, `float`, `bool`, `datetime`, each possibly `| None`. `apps.common.events.outbox` hands events
on (docs/adr/0003).
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeVar, overload
from uuid import UUID

from django.db import transaction

from apps.common.events.relay import relay as _relay
from apps.common.models import OutboxEvent
from infrastructure.telemetry import context


class Event:
    """Base of every event: a frozen dataclass with a unique `name` (`<slice>.<past tense>`)."""

    __slots__ = ()
    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.name:
            raise TypeError(f"{cls.__qualname__} has no name.")
        # `dataclass(slots=True)` makes the class a second time: the same module and name, then, is no clash.
        other = _types.get(cls.name)
        if other is not None and (other.__module__, other.__name__) != (cls.__module__, cls.__name__):
            raise TypeError(f"Two events are named {cls.name!r}.")
        _types[cls.name] = cls


class Task(Protocol):
    """What events need of a Celery task."""

    name: str
    run: Callable[..., Any]

    def apply_async(self, *, kwargs: dict[str, Any], task_id: str) -> Any:
        """Publish the task."""


@dataclass(frozen=True, kw_only=True)
class TaskHandler:
    """A task that follows from an event, and where its arguments come from."""

    task: Task
    fields: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> dict[str, bool]:
        """The names of the task's parameters, and whether each must be given."""
        found = inspect.signature(self.task.run).parameters.values()
        return {one.name: one.default is one.empty for one in found}

    def arguments(self, event: Event, *, event_id: UUID) -> dict[str, Any]:
        """The task's keyword arguments. Raises TypeError when the event lacks one that the task needs."""
        offered = {"event_id": str(event_id), **encode(event)}
        offered.update({name: offered[source] for name, source in self.fields.items()}, **self.constants)
        arguments = {name: offered[name] for name in self.parameters if name in offered}
        missing = [name for name, is_needed in self.parameters.items() if is_needed and name not in offered]
        unknown = [name for name in (*self.fields, *self.constants) if name not in self.parameters]
        if missing or unknown:
            raise TypeError(
                f"{self.task.name} does not follow from {event.name!r}: missing {missing}, unknown {unknown}."
            )
        return arguments


E = TypeVar("E", bound=Event)
Function = Callable[[Any], None]
Handler = Function | TaskHandler
_types: dict[str, type[Event]] = {}
_registered: dict[str, list[tuple[str, Handler]]] = {}
_handlers: dict[str, dict[str, Handler]] = {}
_kinds: dict[type[Event], dict[str, type]] = {}


class UnknownEvent(LookupError):
    """A stored event has no class in this code."""


@overload
def on(event_type: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]: ...
@overload
def on(
    event_type: type[Event],
    *,
    task: Any,
    name: str = "",
    fields: Mapping[str, str] | None = None,
    **constants: str | int | bool | None,
) -> None: ...
def on(
    event_type: type[Event],
    *,
    task: Any = None,
    name: str = "",
    fields: Mapping[str, str] | None = None,
    **constants: Any,
) -> Any:
    """Have a task run, or a function called, for each event of a type: after the transaction, outside of the request.

    A task gets the fields that its parameters are named after, and `event_id`, the id of the event, if it has such a
    parameter. The event is done when the task has succeeded, or has become a dead task; until then the task is
    published again from time to time, so it has to be idempotent.

    A function runs in the relay's transaction and is called again when it raises. What it writes to the database
    happens once. Keep it short.

    Args:
        event_type: The event.
        task: The task; without it, a decorator for a function is returned.
        name: What the outbox stores for "this handler is done", if not the name of the task. Must not change later.
        fields: Event fields for parameters of other names: `{"request_id": "old_request_id"}`.
        constants: Further arguments of the task.
    """
    if task is not None:
        _register(event_type, name, TaskHandler(task=task, fields=fields or {}, constants=constants))
        return None

    def register(function: Function) -> Function:
        _register(event_type, f"{function.__module__}.{function.__qualname__}", function)
        return function

    return register


def _register(event_type: type[Event], name: str, handler: Handler) -> None:
    _registered.setdefault(event_type.name, []).append((name, handler))
    _handlers.pop(event_type.name, None)


def handlers_of(name: str) -> dict[str, Handler]:
    """The handlers of an event by their stored names, in the order of registration.

    Raises ValueError when two have the same name.
    """
    if (handlers := _handlers.get(name)) is None:
        handlers = {}
        for given, handler in _registered.get(name, ()):
            # Only now: asking a task for its name while modules load would have Celery collect all tasks.
            stored = given or handler.task.name  # type: ignore[union-attr]  # functions have theirs
            if handlers.setdefault(stored, handler) is not handler:
                raise ValueError(f"{stored} listens to {name!r} twice.")
        _handlers[name] = handlers
    return handlers


def registered() -> set[str]:
    """The names of the events that have handlers."""
    return set(_registered)


def publish(event: Event) -> None:
    """Write the event in the running transaction; the relay hands it on as soon as that is committed.

    Raises TransactionManagementError outside of a transaction, where the event could get lost between two commits.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An event is published in the transaction of its cause.")
    OutboxEvent.objects.create(name=event.name, payload=encode(event), request_id=context.request_id())
    transaction.on_commit(_relay.wake)


def encode(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values. Raises TypeError for a value of another type than the field declares."""
    payload: dict[str, Any] = {}
    for name, kind in _fields(type(event)).items():
        value = getattr(event, name)
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{event.name}.{name} is a {type(value).__name__}")
        if isinstance(value, datetime):
            value = value.isoformat()
        payload[name] = str(value) if isinstance(value, UUID) else value
    return payload


def decode(name: str, payload: dict[str, Any]) -> Event:
    """Makes the event from its stored form, without fields that its class no longer has.

    Raises UnknownEvent, TypeError, ValueError.
    """
    try:
        event_type = _types[name]
    except KeyError:
        raise UnknownEvent(f"no event is named {name!r}") from None
    values: dict[str, Any] = {}
    for name_, kind in _fields(event_type).items():
        if name_ not in payload:
            continue
        value = payload[name_]
        if value is not None and kind is UUID:
            value = UUID(value)
        elif value is not None and kind is datetime:
            value = datetime.fromisoformat(value)
        values[name_] = value
    return event_type(**values)


def _fields(event_type: type[Event]) -> dict[str, type]:
    """The type of each field, without `| None`. Raises TypeError for one that has no plain JSON form."""
    if (known := _kinds.get(event_type)) is not None:
        return known
    hints = typing.get_type_hints(event_type)
    kinds: dict[str, type] = {}
    for one in fields(event_type):  # type: ignore[arg-type]  # subclasses are dataclasses
        hint = hints[one.name]
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            (hint,) = [part for part in typing.get_args(hint) if part is not type(None)]
        if hint not in (UUID, str, int, float, bool, datetime):
            raise TypeError(f"{event_type.__qualname__}.{one.name}: events carry ids and plain values only.")
        kinds[one.name] = hint
    _kinds[event_type] = kinds
    return kinds
