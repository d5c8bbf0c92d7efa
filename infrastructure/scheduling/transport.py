"""Celery's Redis transport, hardened against malformed items in queues and lost connections.

kombu takes an item out of a queue before it decodes it, and a decoding error ends the worker. Here Celery's signal
`task_rejected` is sent for a malformed item, with an `Unusable` as its message, and the item is skipped. `config.celery`
uses this transport for every connection to Redis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import redis
from celery import signals
from kombu.transport import redis as kombu_redis
from kombu.utils.json import loads


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A message that is no valid task. `name` is empty where it names none; `text` is the raw item of the queue."""

    text: str
    task_id: str = ""
    name: str = ""
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    request_id: str = ""


class Client(redis.Redis):
    """Returns only items that kombu can decode."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        """The answer; a malformed item of a queue counts as none."""
        answer = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]
        if command_name == "BRPOP" and answer:
            try:
                _require_form(answer[1])
            except Exception as error:  # noqa: BLE001  (recorded)
                text = bytes(answer[1]).decode("utf-8", "backslashreplace")
                signals.task_rejected.send(sender=self, message=Unusable(text=text), exc=error)
                return None
        return answer


def _require_form(item: bytes) -> None:
    """Raise the error that kombu would meet in an item of a queue."""
    message = loads(item.decode())
    properties = message["properties"]
    delivery = properties["delivery_info"]
    for text in (properties["delivery_tag"], delivery["exchange"], delivery["routing_key"]):
        text.encode()
    for mapping in (properties, delivery, message.get("headers") or {}):
        mapping.keys()
    encoding = properties.get("body_encoding")
    if encoding and encoding.lower() != "utf-8":
        kombu_redis.Channel.codecs[encoding].decode(message.get("body") or "")


class Channel(kombu_redis.Channel):
    """kombu's, with that client. Over a connection that was given up it raises what Celery takes for a lost connection."""

    def _connparams(self, *arguments: Any, **named: Any) -> Any:
        """Raises redis.ConnectionError.

        Closing a channel and acknowledging a task that outlived its connection would end the worker by an AttributeError. The
        broker delivers such tasks again after its visibility timeout.
        """
        if getattr(self.connection, "client", None) is None:
            raise redis.ConnectionError("The connection to the broker was given up.")
        return super()._connparams(*arguments, **named)  # type: ignore[misc]  # its stubs leave it out

    def _get_client(self) -> Any:
        return Client


class Transport(kombu_redis.Transport):
    """kombu's, with that channel."""

    Channel = Channel
