"""A transport that combines all writes of one turn of the event loop into one.

uvicorn's own WebSocket class writes each frame by itself, and neither uvloop nor asyncio waits for a second one: ten
messages for two hundred sockets are two thousand system calls, which take most of the time. Behind this transport they
are two hundred. It depends on nothing but `asyncio.Transport`, and serves where `websocket_protocol` does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

Data = bytes | bytearray | memoryview
MOST: Final = 64 * 1024
"""Bytes that are gathered at most: no more is held back from the back-pressure of the transport behind."""


class GatheredWrites(asyncio.Transport):
    """Wraps `transport`: its writes leave together at the end of the turn, in order; closing sends them first."""

    __slots__ = ("_due", "_loop", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._due: list[Data] = []
        self._size = 0

    def write(self, data: Data) -> None:
        """Send together with the other writes of this turn."""
        if not self._due:
            self._loop.call_soon(self._flush)
        self._due.append(data)
        self._size += len(data)
        if self._size > MOST:
            self._flush()

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        for data in list_of_data:
            self.write(data)

    def _flush(self) -> None:
        due, self._due, self._size = self._due, [], 0
        if due:
            # Not `writelines`: in asyncio of Python 3.12 and 3.13.0 it never pauses the sender (CVE-2024-12254).
            self._transport.write(due[0] if len(due) == 1 else b"".join(due))

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; unsent data is lost."""
        self._due, self._size = [], 0
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait, here and in the transport."""
        return self._size + self._transport.get_write_buffer_size()

    # The rest is delegated.

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def is_reading(self) -> bool:
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)
