"""Who is signed in: both tokens, their renewal, sign-in and sign-out. The access token is kept in memory only.

The server renews a refresh token at each use and ends the whole session when an old one comes back. Hence one renewal
runs at a time, whichever threads and tasks ask for it, and a `TokenStore` belongs to one `Session`.
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

from apps.common.client_runtime.python.client import PATIENCE
from apps.common.client_runtime.python.problem import NetworkError, ProblemError, problem_of

_AUTH = "/api/public/v1/auth"
_MARGIN = 10.0  # an access token with fewer seconds left is renewed before it is used
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a sign-in gives. `expires_in` is the access token's, in seconds."""

    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """A password that was right, where a second factor is due. `methods` says which will do; `expires_in` is seconds."""

    challenge: str
    methods: tuple[str, ...]
    expires_in: int


class TokenStore(Protocol):
    """Where the refresh token outlives the program: a keychain, a file."""

    def load(self) -> str | None:
        """The token that was saved last."""

    def save(self, refresh: str | None) -> None:
        """Keep a token, or forget it."""


class Session(httpx.Auth):
    """A sign-in, good for threads and for asyncio; methods that begin with `a` are for the latter.

    `base_url` is where the server is. Without a `store` the session ends with the program.
    """

    requires_request_body = True  # it may have to be sent a second time

    def __init__(
        self,
        base_url: str,
        *,
        store: TokenStore | None = None,
        timeout: float = PATIENCE,
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
        """Whether there is a session, as far as is known here."""
        return self._refresh is not None

    def sign_in(self, email: str, password: str) -> Challenge | None:
        """Sign in with a password. Gives None, or a challenge when a second factor is due: then nobody is signed in
        before `complete_sign_in`. Raises ProblemError, NetworkError.
        """
        return self._begun(self._post("login", {"email": email, "password": password}))

    async def asign_in(self, email: str, password: str) -> Challenge | None:
        """The same from asyncio."""
        return self._begun(await self._apost("login", {"email": email, "password": password}))

    def complete_sign_in(self, challenge: Challenge, code: str) -> None:
        """Answer a challenge with a code, of the authenticator app or for recovery. A wrong one may be followed by
        another. Raises ProblemError, NetworkError.
        """
        answer = {"challenge": challenge.challenge, "code": code}
        self.adopt(_pair(self._post("login/second-factor", answer)))

    async def acomplete_sign_in(self, challenge: Challenge, code: str) -> None:
        """The same from asyncio."""
        answer = {"challenge": challenge.challenge, "code": code}
        self.adopt(_pair(await self._apost("login/second-factor", answer)))

    def adopt(self, pair: TokenPair) -> None:
        """Take up a session that was begun otherwise."""
        self._access = pair.access
        # A token that lives shorter than the margin is used for half of its life.
        self._good_until = time.monotonic() + max(pair.expires_in - _MARGIN, pair.expires_in / 2)
        self._renewal_key = str(uuid.uuid4())
        self._keep(pair.refresh)

    def sign_out(self) -> None:
        """End the session, here at once and then on the server. Raises NetworkError when that was not reached."""
        refresh = self._refresh
        self.end()
        if refresh is not None:
            self._post("logout", {"refresh": refresh})

    async def asign_out(self) -> None:
        """The same from asyncio."""
        refresh = self._refresh
        self.end()
        if refresh is not None:
            await self._apost("logout", {"refresh": refresh})

    def end(self) -> None:
        """Forget the session here: the server said that it is over."""
        self._access = None
        self._keep(None)

    def token(self, *, other_than: str | None = None) -> str:
        """An access token that is good for a while. Raises ProblemError when nobody is signed in, NetworkError."""
        with self._lock:
            if good := self._good(other_than):
                return good
            refresh = self._needed()
            with self._ending(refresh):
                return self._renewed(refresh, self._post("refresh", {"refresh": refresh}, self._renewal_key))

    async def atoken(self, *, other_than: str | None = None) -> str:
        """The same from asyncio."""
        async with self._alock():
            if good := self._good(other_than):
                return good
            refresh = self._needed()
            with self._ending(refresh):
                said = await self._apost("refresh", {"refresh": refresh}, self._renewal_key)
                return self._renewed(refresh, said)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx's: the request with the token; once more with a new one when the server does not take it."""
        request.read()
        token = self.token()
        response = yield _with_token(request, token)
        if response.status_code == _UNAUTHORIZED:
            yield _with_token(request, self.token(other_than=token))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The same from asyncio."""
        await request.aread()
        token = await self.atoken()
        response = yield _with_token(request, token)
        if response.status_code == _UNAUTHORIZED:
            yield _with_token(request, await self.atoken(other_than=token))

    @asynccontextmanager
    async def _alock(self) -> AsyncIterator[None]:
        # A thread may hold it, so an asyncio.Lock would not do; waiting for it in a thread could not be cancelled.
        while not self._lock.acquire(blocking=False):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            self._lock.release()

    def _begun(self, response: httpx.Response) -> Challenge | None:
        if response.status_code == httpx.codes.ACCEPTED:
            said: dict[str, Any] = response.json()
            return Challenge(said["challenge"], tuple(said["methods"]), said["expires_in"])
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
        """A renewal that is refused ends the session, unless it is another one by now."""
        try:
            yield
        except ProblemError as problem:
            if problem.status == _UNAUTHORIZED and self._refresh == refresh:
                self.end()
            raise

    def _renewed(self, refresh: str, said: httpx.Response) -> str:
        # Signed out meanwhile: the new pair must not bring the session back.
        if self._refresh != refresh:
            raise _signed_out()
        pair = _pair(said)
        self.adopt(pair)
        return pair.access

    def _keep(self, refresh: str | None) -> None:
        if self._store is not None and refresh != self._refresh:
            self._store.save(refresh)
        self._refresh = refresh

    def _post(self, action: str, body: dict[str, str], key: str | None = None) -> httpx.Response:
        try:
            with httpx.Client(transport=self._transport, timeout=self._timeout) as client:
                return _taken(client.send(self._request(client, action, body, key)))
        except httpx.TransportError as error:
            raise NetworkError(str(error)) from error

    async def _apost(self, action: str, body: dict[str, str], key: str | None = None) -> httpx.Response:
        try:
            async with httpx.AsyncClient(transport=self._async_transport, timeout=self._timeout) as client:
                return _taken(await client.send(self._request(client, action, body, key)))
        except httpx.TransportError as error:
            raise NetworkError(str(error)) from error

    def _request(
        self, client: httpx.Client | httpx.AsyncClient, action: str, body: dict[str, str], key: str | None
    ) -> httpx.Request:
        # The same key until an answer came: a renewal whose answer was lost is answered again, not taken for a theft.
        headers = {} if key is None else {"Idempotency-Key": key}
        return client.build_request("POST", f"{self.base_url}{_AUTH}/{action}/", json=body, headers=headers)


def _taken(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        raise problem_of(response)
    return response


def _pair(response: httpx.Response) -> TokenPair:
    said: dict[str, Any] = response.json()
    return TokenPair(access=said["access"], refresh=said["refresh"], expires_in=said["expires_in"])


def _with_token(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _signed_out() -> ProblemError:
    return ProblemError(
        status=_UNAUTHORIZED, code="not_authenticated", title="Unauthorized", detail="Nobody is signed in."
    )
