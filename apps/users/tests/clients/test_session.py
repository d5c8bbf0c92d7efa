"""The session of generated Python clients, against a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from apps.common.client_runtime.python.client import Client
from apps.common.client_runtime.python.problem import (
    FieldProblem,
    NetworkError,
    ProblemError,
)
from apps.common.testing.users import PASSWORD, UserFactory, pair_for
from apps.users.clients.python.session import Session, TokenPair
from apps.users.models import Session as Row
from apps.users.models import User
from apps.users.tests.test_second_factor import enrolled
from infrastructure.embedded.postgres import free_port

ME = {"method": "get", "url": "/api/private/v1/users/me/"}


class Store:
    """Keeps every refresh token that is saved."""

    def __init__(self, refresh: str | None = None) -> None:
        self.saved: list[str | None] = [refresh]

    def load(self) -> str | None:
        return self.saved[-1]

    def save(self, refresh: str | None) -> None:
        self.saved.append(refresh)


class Counting(httpx.BaseTransport):
    """A real connection that counts the calls of each path, and can lose answers."""

    def __init__(self, lose: int = 0) -> None:
        self._inner = httpx.HTTPTransport()
        self.paths: list[str] = []
        self.lose = lose

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path.rstrip("/").rpartition("/")[2])
        response = self._inner.handle_request(request)
        if self.lose:
            self.lose -= 1
            response.close()
            raise httpx.ReadError("connection lost")
        return response

    def close(self) -> None:
        """Stays open: a session closes its transport after each call."""

    def really_close(self) -> None:
        self._inner.close()


class AsyncCounting(httpx.AsyncBaseTransport):
    """For asyncio."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path.rstrip("/").rpartition("/")[2])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Stays open."""

    async def really_close(self) -> None:
        await self._inner.aclose()


@pytest.fixture
def base_url(live_server: LiveServer) -> str:
    """The URL of a real server."""
    url: str = live_server.url
    return url


@pytest.fixture
def transport() -> Iterator[Counting]:
    made = Counting()
    yield made
    made.really_close()


def stale(user: User, expires_in: int = 600) -> TokenPair:
    """A session whose access token looks valid to the client, and is refused by the server."""
    pair = pair_for(user)
    return TokenPair("not.a.token", pair.refresh, expires_in)


def test_sign_in_call_sign_out(base_url: str) -> None:
    user = UserFactory.create()
    store = Store()
    session = Session(base_url, store=store)
    session.sign_in(user.email, PASSWORD)
    assert session.is_signed_in
    with Client(base_url, session=session) as client:
        assert client.send(ME).json()["email"] == user.email
        session.sign_out()
        with pytest.raises(ProblemError) as refused:
            client.send(ME)
    assert (refused.value.status, refused.value.code) == (401, "not_authenticated")
    assert [token is None for token in store.saved] == [True, False, True]
    assert not Row.objects.live(timezone.now()).filter(user=user).exists()


def test_a_second_factor_is_required(base_url: str) -> None:
    user = UserFactory.create()
    codes = enrolled(user)
    session = Session(base_url)
    challenge = session.sign_in(user.email, PASSWORD)
    assert challenge is not None
    assert (challenge.methods, session.is_signed_in) == (("totp", "recovery_code"), False)
    with pytest.raises(ProblemError) as refused:
        session.complete_sign_in(challenge, "000-000")
    assert refused.value.code == "second_factor_refused"
    session.complete_sign_in(challenge, codes[0])

    async def scenario() -> str:
        other = Session(base_url)
        challenge = await other.asign_in(user.email, PASSWORD)
        assert challenge is not None
        await other.acomplete_sign_in(challenge, codes[1])
        async with Client(base_url, session=other) as client:
            email: str = (await client.asend(ME)).json()["email"]
            return email

    assert session.is_signed_in
    assert asyncio.run(scenario()) == user.email


def test_an_error_is_an_exception_with_the_problem_document(base_url: str) -> None:
    session = Session(base_url)
    with pytest.raises(ProblemError) as refused:
        session.sign_in("nobody@example.com", "a wrong password")
    assert (refused.value.status, refused.value.code, refused.value.title) == (
        401,
        "invalid_credentials",
        "Invalid credentials",
    )
    assert str(refused.value) == "invalid_credentials: E-mail address or password is wrong."
    assert len(refused.value.request_id) > 8
    assert not session.is_signed_in
    body = {"email": "ada@example.com"}
    with Client(base_url) as client, pytest.raises(ProblemError) as refused:
        client.send({"method": "post", "url": "/api/public/v1/auth/login/", "json": body})
    assert refused.value.code == "invalid_input"
    assert refused.value.errors == (FieldProblem("password", "required", "This field is required."),)
    assert refused.value.about("password") == ["This field is required."]
    assert refused.value.about("email") == []


def test_many_threads_renew_once(base_url: str, transport: Counting) -> None:
    user = UserFactory.create()
    session = Session(base_url, transport=transport)
    session.adopt(stale(user))
    names: list[str] = []
    with Client(base_url, session=session, transport=transport) as client:
        threads = [
            threading.Thread(target=lambda: names.append(client.send(ME).json()["name"])) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert names == [user.name] * 6
    assert transport.paths.count("refresh") == 1


def test_many_tasks_renew_once_and_a_body_is_sent_again(base_url: str) -> None:
    user = UserFactory.create()
    pair = stale(user)
    rename = {"method": "patch", "url": "/api/private/v1/users/me/", "json": {"name": "Ada"}}

    async def scenario() -> tuple[list[str], list[str]]:
        transport = AsyncCounting()
        session = Session(base_url, async_transport=transport)
        session.adopt(pair)
        async with Client(base_url, session=session, async_transport=transport) as client:
            answers = await asyncio.gather(*(client.asend(rename) for _ in range(6)))
        await session.asign_out()
        await transport.really_close()
        return [answer.json()["name"] for answer in answers], transport.paths

    names, paths = asyncio.run(scenario())
    assert names == ["Ada"] * 6
    assert (paths.count("refresh"), paths.count("logout")) == (1, 1)
    user.refresh_from_db()
    assert user.name == "Ada"


def test_an_expiring_token_is_renewed_before_use(base_url: str, transport: Counting) -> None:
    session = Session(base_url, transport=transport)
    session.adopt(stale(UserFactory.create(), expires_in=0))
    first = session.token()
    assert first != "not.a.token"
    assert session.token() == first
    assert session.token(other_than=first) != first
    assert transport.paths == ["refresh", "refresh"]


def test_a_renewal_whose_answer_was_lost_is_repeated(base_url: str, transport: Counting) -> None:
    session = Session(base_url, transport=transport)
    session.adopt(stale(UserFactory.create(), expires_in=0))
    transport.lose = 1
    with pytest.raises(NetworkError, match="connection lost"):
        session.token()
    assert session.is_signed_in
    with Client(base_url, session=session) as client:
        assert client.send(ME).status_code == 200


def test_a_session_that_the_server_ended_ends_here(base_url: str) -> None:
    user = UserFactory.create()
    store = Store()
    session = Session(base_url, store=store)
    session.adopt(stale(user, expires_in=0))
    Row.objects.filter(user=user).delete()
    with pytest.raises(ProblemError) as refused:
        session.token()
    assert refused.value.code == "refresh_token_invalid"
    assert not session.is_signed_in
    assert store.load() is None


def test_a_session_continues_from_its_store(base_url: str) -> None:
    user = UserFactory.create()
    store = Store(pair_for(user).refresh)
    with Client(base_url, session=Session(base_url, store=store)) as client:
        assert client.send(ME).json()["email"] == user.email
    assert len(store.saved) == 2  # the token was traded for another


def test_signing_out_during_a_renewal_lasts(base_url: str) -> None:
    session = Session(base_url)

    class Leaving(Counting):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            session.end()
            return super().handle_request(request)

    transport = Leaving()
    session._transport = transport
    session.adopt(stale(UserFactory.create(), expires_in=0))
    with pytest.raises(ProblemError, match="You are not signed in"):
        session.token()
    assert not session.is_signed_in
    transport.really_close()


def test_a_sign_in_without_an_answer_is_a_network_error() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    session = Session(nowhere)

    async def scenario() -> None:
        with pytest.raises(NetworkError):
            await session.asign_in("ada@example.com", "password")

    with pytest.raises(NetworkError):
        session.sign_in("ada@example.com", "password")
    asyncio.run(scenario())
