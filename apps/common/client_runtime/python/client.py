"""A client of one server. The functions below `api` take one."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from apps.common.client_runtime.python.problem import NetworkError, problem_of

TIMEOUT = 20.0  # seconds


class Client:
    """Sends requests with one credential: a session, a service key, or none. Safe in threads and in asyncio.

    `base_url` is the address of the server, such as `https://site.example`. Use it as a context manager, or call `close`
    and `aclose`. `transport` and `async_transport` are those of httpx, for tests and proxies.
    """

    def __init__(
        self,
        base_url: str,
        *,
        session: httpx.Auth | None = None,
        service_key: str | None = None,
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Accept": "application/json"}
        if service_key is not None:
            headers["Authorization"] = f"Api-Key {service_key}"
        self.base_url = base_url.rstrip("/")
        self._settings: dict[str, Any] = {
            "base_url": self.base_url,
            "auth": session,
            "headers": headers,
            "timeout": timeout,
        }
        self._transport, self._async_transport = transport, async_transport
        self._sync: httpx.Client | None = None
        self._async: httpx.AsyncClient | None = None

    def send(self, call: dict[str, Any]) -> httpx.Response:
        """Send a request. Raises ProblemError, NetworkError."""
        if self._sync is None:
            self._sync = httpx.Client(transport=self._transport, **self._settings)
        try:
            response = self._sync.request(**call)
        except httpx.TransportError as error:
            raise NetworkError(str(error)) from error
        return _accepted(response)

    async def asend(self, call: dict[str, Any]) -> httpx.Response:
        """Send a request from asyncio. Raises ProblemError, NetworkError."""
        if self._async is None:
            self._async = httpx.AsyncClient(transport=self._async_transport, **self._settings)
        try:
            response = await self._async.request(**call)
        except httpx.TransportError as error:
            raise NetworkError(str(error)) from error
        return _accepted(response)

    def close(self) -> None:
        """Close the connections of `send`."""
        if self._sync is not None:
            self._sync.close()
            self._sync = None

    async def aclose(self) -> None:
        """Close the connections of `asend`."""
        if self._async is not None:
            await self._async.aclose()
            self._async = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _accepted(response: httpx.Response) -> httpx.Response:
    if response.status_code >= httpx.codes.BAD_REQUEST:
        raise problem_of(response)
    return response
