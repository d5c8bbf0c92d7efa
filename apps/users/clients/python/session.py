"""The session of a user: sign-in, both tokens, their renewal, sign-out. The access token stays in memory.

The server rotates the refresh token at each use and ends the session when an old one is used again. So only one renewal
runs at a time, across threads and tasks, and each `Session` has a `TokenStore` of its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from apps.common.client_runtime.python.client import TIMEOUT
from apps.common.client_runtime.python.problem import NetworkError, ProblemError, problem_of

_AUTH = "/api/public/v1/auth"
_MARGIN = 10.0  # seconds before its expiry at which an access token is renewed
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The tokens of a session. `expires_in` is that of the access token, in seconds."""

    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """The password is right, and a second factor is required: one of `methods`, within `expires_in` seconds."""

    challenge: str
    methods: tuple[str, ...]
    expires_in: int


class TokenStore(Protocol):
    """Keeps the refresh token between runs of the program: a keychain, a file."""

    def load(self) -> str | None:
        """The saved token."""

    def save(self, refresh: str | None) -> None:
        """Save a token; None removes it."""


class Session(httpx.Auth):
    """The session of a user, safe in threads and in asyncio. Methods that begin with `a` are for asyncio.

    `base_url` is the address of the server. Without a `store`, the session ends with the program.
    """

    requires_request_body = True  # a request may be sent twice

    def __init__(
        self,
        base_url: str,
        *,
        store: TokenStore | None = None,
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._store = store
        self._timeout = timeout
        self._transport, self._async_transport = transport, async_transport
        self._refresh = store.load() if store is not None else None
        self._renewal_key = str(uuid.uuid4())
        self._access: str | None = None
        self._good_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_signed_in(self) -> bool:
        """Whether there is a session, as far as this client knows."""
        return self._refresh is not None

    def sign_in(self, email: str, password: str) -> Challenge | None:
        """Sign in with a password. Returns None, or a challenge when a second factor is required: pass it to
        `complete_sign_in`. Raises ProblemError, NetworkError.
        """
        return self._signed_in(self._post("login", {"email": email, "password": password}))

    async def asign_in(self, email: str, password: str) -> Challenge | None:
        """For asyncio."""
        return self._signed_in(await self._apost("login", {"email": email, "password": password}))

    def complete_sign_in(self, challenge: Challenge, code: str) -> None:
        """Answer a challenge with a code of the authenticator app or a recovery code. After a wrong code, try again.
        Raises ProblemError, NetworkError.
        """
        answer = {"challenge": challenge.challenge, "code": code}
        self.adopt(_pair(self._post("login/second-factor", answer)))

    async def acomplete_sign_in(self, challenge: Challenge, code: str) -> None:
        """For asyncio."""
        answer = {"challenge": challenge.challenge, "code": code}
        self.adopt(_pair(await self._apost("login/second-factor", answer)))

    def adopt(self, pair: TokenPair) -> None:
        """Use the tokens of a session that was started elsewhere."""
        self._access = pair.access
        # A token that expires within the margin is used for half of its lifetime.
        self._good_until = time.monotonic() + max(pair.expires_in - _MARGIN, pair.expires_in / 2)
        self._renewal_key = str(uuid.uuid4())
        self._keep(pair.refresh)

    def sign_out(self) -> None:
        """End the session, first here, then on the server. Raises NetworkError when the server did not answer."""
        refresh = self._refresh
        self.end()
        if refresh is not None:
            self._post("logout", {"refresh": refresh})

    async def asign_out(self) -> None:
        """For asyncio."""
        refresh = self._refresh
        self.end()
        if refresh is not None:
            await self._apost("logout", {"refresh": refresh})

    def end(self) -> None:
        """Forget the session here. Does not call the server."""
        self._access = None
        self._keep(None)

    def token(self, *, other_than: str | None = None) -> str:
        """A valid access token, not `other_than`. Raises ProblemError when signed out, NetworkError."""
        with self._lock:
            if good := self._good(other_than):
                return good
            refresh = self._needed()
            with self._ending(refresh):
                return self._renewed(refresh, self._post("refresh", {"refresh": refresh}, self._renewal_key))

    async def atoken(self, *, other_than: str | None = None) -> str:
        """For asyncio."""
        async with self._alock():
            if good := self._good(other_than):
                return good
            refresh = self._needed()
            with self._ending(refresh):
                response = await self._apost("refresh", {"refresh": refresh}, self._renewal_key)
                return self._renewed(refresh, response)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """For httpx: send the request with the token, and once more with a new one after a 401."""
        request.read()
        token = self.token()
        response = yield _with_token(request, token)
        if response.status_code == _UNAUTHORIZED:
            yield _with_token(request, self.token(other_than=token))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For asyncio."""
        await request.aread()
        token = await self.atoken()
        response = yield _with_token(request, token)
        if response.status_code == _UNAUTHORIZED:
            yield _with_token(request, await self.atoken(other_than=token))

    @asynccontextmanager
    async def _alock(self) -> AsyncIterator[None]:
        # Threads share the lock, so it cannot be an asyncio.Lock; waiting in a thread could not be cancelled.
        while not self._lock.acquire(blocking=False):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            self._lock.release()

    def _signed_in(self, response: httpx.Response) -> Challenge | None:
        if response.status_code == httpx.codes.ACCEPTED:
            body: dict[str, Any] = response.json()
            return Challenge(body["challenge"], tuple(body["methods"]), body["expires_in"])
        self.adopt(_pair(response))
        return None

    def _good(self, other_than: str | None) -> str | None:
        fresh = self._access is not None and time.monotonic() < self._good_until
        return self._access if fresh and self._access != other_than else None

    def _needed(self) -> str:
        if self._refresh is None:
            raise _signed_out()
        return self._refresh

    @contextmanager
    def _ending(self, refresh: str) -> Iterator[None]:
        """End the session when its renewal is refused, unless there is another session by now."""
        try:
            yield
        except ProblemError as problem:
            if problem.status == _UNAUTHORIZED and self._refresh == refresh:
                self.end()
            raise

    def _renewed(self, refresh: str, response: httpx.Response) -> str:
        # Signed out during the renewal: stay signed out.
        if self._refresh != refresh:
            raise _signed_out()
        pair = _pair(response)
        self.adopt(pair)
        return pair.access

    def _keep(self, refresh: str | None) -> None:
        if self._store is not None and refresh != self._refresh:
            self._store.save(refresh)
        self._refresh = refresh

    def _post(self, action: str, body: dict[str, str], key: str | None = None) -> httpx.Response:
        try:
            with httpx.Client(transport=self._transport, timeout=self._timeout) as client:
                return _accepted(client.send(self._request(client, action, body, key)))
        except httpx.TransportError as error:
            raise NetworkError(str(error)) from error

    async def _apost(self, action: str, body: dict[str, str], key: str | None = None) -> httpx.Response:
        try:
            async with httpx.AsyncClient(transport=self._async_transport, timeout=self._timeout) as client:
                return _accepted(await client.send(self._request(client, action, body, key)))
        except httpx.TransportError as error:
            raise NetworkError(str(error)) from error

    def _request(
        self, client: httpx.Client | httpx.AsyncClient, action: str, body: dict[str, str], key: str | None
    ) -> httpx.Request:
        # A renewal whose answer was lost is repeated under the same key, so that the server does not take it for a theft.
        headers = {} if key is None else {"Idempotency-Key": key}
        return client.build_request("POST", f"{self.base_url}{_AUTH}/{action}/", json=body, headers=headers)


def _accepted(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        raise problem_of(response)
    return response


def _pair(response: httpx.Response) -> TokenPair:
    body: dict[str, Any] = response.json()
    return TokenPair(access=body["access"], refresh=body["refresh"], expires_in=body["expires_in"])


def _with_token(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _signed_out() -> ProblemError:
    return ProblemError(
        status=_UNAUTHORIZED, code="not_authenticated", title="Unauthorized", detail="You are not signed in."
    )
