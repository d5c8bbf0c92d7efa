"""Events: what happened, in a frozen value of ids; publishing them, and naming who listens. The relay is `outbox`.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class UserRegistered(Event):
        name: ClassVar[str] = "users.registered"
        user_id: UUID

    events.publish(UserRegistered(user_id=user.id))      # in a service, inside its transaction

    @events.on(UserRegistered)                           # in handlers.py of any slice
    def welcome(event: UserRegistered) -> None: ...

Fields are `UUID`, `str`, `int`, `float`, `bool`, `datetime`, each possibly `| None`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import transaction

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


E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]
_types: dict[str, type[Event]] = {}
_handlers: dict[str, dict[str, Handler]] = {}
_kinds: dict[type[Event], dict[str, type]] = {}


class UnknownEvent(LookupError):
    """A stored event has no class in this code."""


def on(event_type: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Have a function called for each event of a type, by the relay, after the transaction and outside of the request.

    A handler is called once for each event, and again when it raised: what it does in the database is rolled back
    then, what it does elsewhere (a task that it enqueues) has to be idempotent. It runs within a transaction: keep it
    short, and hand the work itself to a task.
    """

    def register(handler: Callable[[E], None]) -> Callable[[E], None]:
        name = f"{handler.__module__}.{handler.__qualname__}"
        listeners = _handlers.setdefault(event_type.name, {})
        if listeners.setdefault(name, handler) is not handler:
            raise ValueError(f"{name} listens to {event_type.name!r} already.")
        return handler

    return register


def handlers_of(name: str) -> dict[str, Handler]:
    """The handlers of an event by their dotted names, in the order of registration."""
    return _handlers.get(name, {})


def publish(event: Event) -> None:
    """Write the event in the running transaction; the relay hands it on as soon as that is committed.

    Raises TransactionManagementError outside of a transaction, where the event could get lost between two commits.
    """
    from apps.common import outbox

    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An event is published in the transaction of its cause.")
    OutboxEvent.objects.create(name=event.name, payload=encode(event), request_id=context.request_id())
    transaction.on_commit(outbox.wake)


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
    """The event again. Fields that its class no longer has are dropped. Raises UnknownEvent, TypeError, ValueError."""
    try:
        event_type = _types[name]
    except KeyError:
        raise UnknownEvent(f"no event is named {name!r}") from None
    values: dict[str, Any] = {}
    for field, kind in _fields(event_type).items():
        if field not in payload:
            continue
        value = payload[field]
        if value is not None and kind is UUID:
            value = UUID(value)
        elif value is not None and kind is datetime:
            value = datetime.fromisoformat(value)
        values[field] = value
    return event_type(**values)


def _fields(event_type: type[Event]) -> dict[str, type]:
    """The type of each field, without `| None`. Raises TypeError for one that has no plain JSON form."""
    if (known := _kinds.get(event_type)) is not None:
        return known
    hints = typing.get_type_hints(event_type)
    kinds: dict[str, type] = {}
    for field in fields(event_type):  # type: ignore[arg-type]  # subclasses are dataclasses
        hint = hints[field.name]
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            (hint,) = [part for part in typing.get_args(hint) if part is not type(None)]
        if hint not in (UUID, str, int, float, bool, datetime):
            raise TypeError(
                f"{event_type.__qualname__}.{field.name}: events carry ids and plain values only."
            )
        kinds[field.name] = hint
    _kinds[event_type] = kinds
    return kinds
