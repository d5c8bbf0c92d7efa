"""Events: frozen values of ids, published in the transaction of their cause, and the tasks that follow from them.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class OrderPlaced(Event):
        name: ClassVar[str] = "order.placed"
        order_id: UUID

    events.publish(OrderPlaced(order_id=order.id))               # in a service, inside its transaction

    events.on(OrderPlaced, task=tasks.send_confirmation)         # in handlers.py of any slice

    @events.on(OrderPlaced)                                      # also there, for work of a few rows
    def count(event: OrderPlaced) -> None: ...

Fields are `UUID`, `str`, `int`, `float`, `bool`, `datetime`, each possibly `| None`. `apps.common.events.outbox` relays them
(docs/adr/0003).
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache, cached_property
from typing import Any, ClassVar, Protocol, TypeVar, overload
from uuid import UUID

from django.db import transaction

from apps.common.events.relay import relay as _relay
from apps.common.models import OutboxEvent
from infrastructure.telemetry import context


class Event:
    """The base of every event: a frozen dataclass with a unique `name` (`<slice>.<past tense>`)."""

    __slots__ = ()
    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.name:
            raise TypeError(f"{cls.__qualname__} has no name.")
        # `dataclass(slots=True)` creates the class twice, with the same module and name.
        other = _types.get(cls.name)
        if other is not None and (other.__module__, other.__name__) != (cls.__module__, cls.__name__):
            raise TypeError(f"Two events are named {cls.name!r}.")
        _types[cls.name] = cls


class Task(Protocol):
    """The part of a Celery task that events use."""

    name: str
    run: Callable[..., Any]

    def apply_async(self, *, kwargs: dict[str, Any], task_id: str, producer: Any) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class TaskHandler:
    """A task that follows from an event, and the sources of its arguments."""

    task: Task
    fields: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> dict[str, bool]:
        """Maps the task's parameters to whether they are required."""
        found = inspect.signature(self.task.run).parameters.values()
        return {one.name: one.default is one.empty for one in found}

    def arguments(self, event: Event, *, event_id: UUID) -> dict[str, Any]:
        """The task's keyword arguments. Raises TypeError unless they match its parameters."""
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


class UnknownEvent(LookupError):
    """A stored event has no class in this release."""


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
    """Run a task or a function for each event of a type, after the commit and outside of the request.

    A task receives the fields that its parameters are named after, and the id of the event as `event_id`. It must be
    idempotent: it is published again until it succeeds or becomes a dead task.

    A function runs in the relay's transaction, so that its writes happen once, and is called again when it raises. Keep
    it short.

    Args:
        task: The task. Without it, `on` returns a decorator for a function.
        name: The stored name of the handler; by default the name of the task. It must never change.
        fields: Event fields for parameters with other names: `{"request_id": "old_request_id"}`.
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
    handlers_of.cache_clear()


@cache
def handlers_of(name: str) -> dict[str, Handler]:
    """Maps stored names to the handlers of an event, in the order of registration. Raises ValueError for duplicates."""
    handlers: dict[str, Handler] = {}
    for given, handler in _registered.get(name, ()):
        # Not earlier: reading the name of a task while modules load makes Celery collect all tasks.
        stored = given or handler.task.name  # type: ignore[union-attr]  # functions have a given name
        if handlers.setdefault(stored, handler) is not handler:
            raise ValueError(f"{stored} handles {name!r} twice.")
    return handlers


def registered() -> set[str]:
    return set(_registered)


def declared() -> dict[str, type[Event]]:
    """Maps the names of all events to their classes."""
    return dict(_types)


def publish(event: Event) -> None:
    """Write the event in the current transaction; the relay handles it after the commit.

    Raises TransactionManagementError outside of a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An event is published in the transaction of its cause.")
    OutboxEvent.objects.create(name=event.name, payload=encode(event), request_id=context.request_id())
    transaction.on_commit(_relay.wake)


def encode(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values. Raises TypeError for a value that is not of the declared type."""
    payload: dict[str, Any] = {}
    for name, kind in _fields(type(event)).items():  # type: ignore[arg-type]  # mypy compares __hash__ of instances
        value = getattr(event, name)
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{event.name}.{name} is a {type(value).__name__}")
        if isinstance(value, datetime):
            value = value.isoformat()
        payload[name] = str(value) if isinstance(value, UUID) else value
    return payload


def decode(name: str, payload: dict[str, Any]) -> Event:
    """The event of a stored payload, without fields that its class no longer has.

    Raises UnknownEvent, TypeError, ValueError.
    """
    try:
        event_type = _types[name]
    except KeyError:
        raise UnknownEvent(f"no event is named {name!r}") from None
    kinds = _fields(event_type)  # type: ignore[arg-type]  # as above
    return event_type(**{name: parse(payload[name], kind) for name, kind in kinds.items() if name in payload})


def parse(value: Any, kind: type | None) -> Any:
    """A stored JSON value as a UUID or a datetime, if that is its type."""
    if value is None:
        return None
    if kind is UUID:
        return UUID(value)
    return datetime.fromisoformat(value) if kind is datetime else value


@cache
def _fields(event_type: Any) -> dict[str, type]:
    """Maps fields to their types without `| None`. Raises TypeError for a type without a JSON form."""
    hints = typing.get_type_hints(event_type)
    kinds: dict[str, type] = {}
    for one in fields(event_type):
        hint = hints[one.name]
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            (hint,) = [part for part in typing.get_args(hint) if part is not type(None)]
        if hint not in (UUID, str, int, float, bool, datetime):
            raise TypeError(f"{event_type.__qualname__}.{one.name}: events carry ids and plain values only.")
        kinds[one.name] = hint
    return kinds
