"""The AsyncAPI 3 document of a socket (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

Its operations are those of the application, which *receives* the frames that clients send. A slice describes the frames of
its socket in its `asyncapi.py`; handshake, credentials and close codes are the same for all sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.common.sockets import close_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """The description of a socket. `received` has the frames from clients, `sent` those to clients, by name."""

    name: str
    title: str
    description: str
    address: str
    channel_title: str
    protocol: str
    received: Mapping[str, Any]
    sent: Mapping[str, Any]
    after: str
    max_frame: int
    close_codes: Mapping[int, str] = field(default_factory=dict)
    unoffered: str = ""
    changes: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        messages = {**self.received, **self.sent}
        return {
            "asyncapi": "3.0.0",
            "info": {
                "title": self.title,
                "version": self.protocol.rpartition(".")[2],
                "description": self.description,
            },
            "defaultContentType": "application/json",
            "servers": {
                "site": {
                    "host": "{host}",
                    "protocol": "wss",
                    "variables": {"host": {"description": "The host of the site."}},
                }
            },
            "channels": {
                self.name: {
                    "address": self.address,
                    "title": self.channel_title,
                    **({"parameters": dict(self.parameters)} if self.parameters else {}),
                    "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                    "bindings": {"ws": self._binding()},
                }
            },
            "operations": {
                "say": self._operation("receive", "Frames that a client may send.", self.received),
                "hear": self._operation(
                    "send", "Frames that a client receives; the first is `welcome`.", self.sent
                ),
            },
            "components": {
                "messages": messages,
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            },
            "x-close-codes": {str(code): meaning for code, meaning in sorted(self._close_codes().items())},
            "x-subprotocols": {
                "offer": [self.protocol, "bearer", "<access token>"],
                "description": f"Offer `{self.protocol}`, which the server echoes. Clients that cannot set headers, such"
                " as browsers, also offer `bearer`, followed by the access token." + self.unoffered,
            },
        }

    def _binding(self) -> dict[str, Any]:
        return {
            "bindingVersion": "0.1.0",
            "method": "GET",
            "headers": {
                "type": "object",
                "properties": {
                    "Authorization": {"type": "string", "pattern": "^Bearer .+$"},
                    "Sec-WebSocket-Protocol": {
                        "type": "string",
                        "examples": [f"{self.protocol}, bearer, <token>"],
                    },
                    "Origin": {
                        "type": "string",
                        "description": "Sent by browsers. Only the site's own origin, and those allowed by CORS, are accepted; others are refused (403).",
                    },
                },
            },
            "query": {
                "type": "object",
                "properties": {
                    **{
                        name: {"type": "integer", "minimum": 0, "description": description}
                        for name, description in (("after", self.after), ("changes", self.changes))
                        if description
                    },
                    "token": {
                        "type": "string",
                        "description": "An access token, for clients that can set neither header nor subprotocol.",
                    },
                    "ticket": {
                        "type": "string",
                        "description": "A ticket of `POST tickets/`, valid for one connection within 30 s, instead of a token.",
                    },
                },
            },
        }

    def _close_codes(self) -> dict[int, str]:
        too_big = {close_codes.TOO_BIG: f"A frame of more than {self.max_frame} bytes."}
        return {**close_codes.COMMON, **too_big, **self.close_codes}

    def _operation(self, action: str, summary: str, messages: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "action": action,
            "summary": summary,
            "channel": {"$ref": f"#/channels/{self.name}"},
            "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            "messages": [{"$ref": f"#/channels/{self.name}/messages/{name}"} for name in messages],
        }


def message(
    summary: str, properties: dict[str, Any], *examples: dict[str, Any], optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A kind of frame: an object without other properties."""
    return {
        "summary": summary,
        "payload": {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name not in optional],
            "additionalProperties": False,
        },
        "examples": [{"payload": example} for example in examples],
    }
