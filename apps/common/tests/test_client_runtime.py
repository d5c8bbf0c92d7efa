"""The shared code of generated clients: failures, pages, waits between attempts, close codes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from apps.common.client_runtime import BASE
from apps.common.client_runtime.python import pacing
from apps.common.client_runtime.python import reconnecting_socket as sockets
from apps.common.client_runtime.python.client import Client
from apps.common.client_runtime.python.pages import apaginate, paginate
from apps.common.client_runtime.python.problem import NetworkError, UnexpectedAnswer, problem_of
from apps.common.client_runtime.python.reconnecting_socket import CloseCode
from infrastructure.embedded.postgres import free_port


def test_an_unreachable_server_is_a_network_error() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    call = {"method": "get", "url": "/"}

    async def scenario() -> None:
        async with Client(nowhere) as client:
            with pytest.raises(NetworkError):
                await client.asend(call)

    with Client(nowhere) as client, pytest.raises(NetworkError):
        client.send(call)
    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("response", "code", "detail", "wait"),
    [
        (httpx.Response(502, text="<h1>Bad Gateway</h1>"), "http_502", "Bad Gateway", 0),
        (
            httpx.Response(599, json=["odd"], headers={"Retry-After": "7"}),
            "http_599",
            "The server answered 599.",
            7,
        ),
        (
            httpx.Response(503, json={"code": "unavailable", "errors": [1]}),
            "unavailable",
            "Service Unavailable",
            0,
        ),
    ],
)
def test_an_error_page_of_a_proxy_is_a_problem(
    response: httpx.Response, code: str, detail: str, wait: int
) -> None:
    problem = problem_of(response)
    assert (problem.code, problem.detail, problem.retry_after, problem.errors) == (code, detail, wait, ())
    assert str(UnexpectedAnswer(response)).startswith(f"The server answered {response.status_code}")


PAGES = {
    None: SimpleNamespace(results=[1, 2], next_="http://here/?limit=2&cursor=bmV4dA", previous=None),
    "bmV4dA": SimpleNamespace(results=[3], next_=None, previous="http://here/?limit=2"),
}
MESSAGES = {
    None: SimpleNamespace(results=[3, 4], next_=None, previous="http://here/?before=3&limit=2"),
    3: SimpleNamespace(results=[1, 2], next_="http://here/?after=2", previous=None),
}


def test_pages_become_one_sequence() -> None:
    asked: list[dict[str, Any]] = []

    def rooms(slug: str, *, client: str, cursor: str | None = None) -> Any:
        asked.append({"slug": slug, "client": client, "cursor": cursor})
        return PAGES[cursor]

    def messages(*, before: int | None = None) -> Any:
        return MESSAGES[before]

    def numbers(*, after: int) -> Any:
        return SimpleNamespace(
            results=[after + 1], next_=f"?after={after + 1}" if after < 2 else None, previous=None
        )

    async def amessages(*, before: int | None = None) -> Any:
        return MESSAGES[before]

    async def all_of(items: AsyncIterator[Any]) -> list[Any]:
        return [item async for item in items]

    items = paginate(rooms, "lobby", client="c")
    assert next(items) == 1
    assert len(asked) == 1  # the second page is fetched when it is needed
    assert list(items) == [2, 3]
    assert asked[1] == {"slug": "lobby", "client": "c", "cursor": "bmV4dA"}
    assert list(paginate(numbers, after=0)) == [1, 2, 3]
    assert list(paginate(messages, direction="previous")) == [4, 3, 2, 1]
    assert asyncio.run(all_of(apaginate(amessages, direction="previous"))) == [4, 3, 2, 1]
    assert asyncio.run(all_of(apaginate(amessages))) == [3, 4]


def test_both_languages_have_the_same_close_codes() -> None:
    source = (BASE.folder / "typescript" / "reconnecting_socket.ts").read_text()
    codes = {
        re.sub(r"[A-Z]", lambda sign: f"_{sign[0]}", name).upper(): int(code)
        for name, code in re.findall(r"^  (\w+): (\d{4}),$", source, re.MULTILINE)
    }
    assert codes == {code.name: code.value for code in CloseCode if code}
    for name, same in (("FINAL", sockets._FINAL), ("SLOW", sockets._SLOW)):
        (members,) = re.findall(rf"const {name}: .*?\[(.*?)\]", source, re.DOTALL)
        named = {
            re.sub(r"[A-Z]", lambda sign: f"_{sign[0]}", one).upper()
            for one in re.findall(r"CloseCode\.(\w+)", members)
        }
        assert named == {CloseCode(code).name for code in same}


def test_random_waits_double_up_to_a_limit() -> None:
    assert [pacing.wait_before(n, chance=lambda: 1.0) for n in range(4)] == [
        pacing.FIRST_WAIT * 2**n for n in range(4)
    ]
    assert pacing.wait_before(60, chance=lambda: 1.0) == pacing.LONGEST_WAIT
    assert pacing.wait_before(60, slow=True, chance=lambda: 1.0) == pacing.LONGEST_SLOW_WAIT
    assert pacing.wait_before(3, chance=lambda: 0.0) == 0.0
    assert pacing.wait_before(0, slow=True, chance=lambda: 0.5) == pacing.SLOW_WAIT / 2


def test_an_allowance_refills_over_time() -> None:
    now = [0.0]
    allowance = pacing.Allowance(per_second=2, burst=3, clock=lambda: now[0])
    for _ in range(3):
        assert allowance.wait() == 0.0
        allowance.take()
    assert allowance.wait() == 0.5
    now[0] = 0.25
    assert allowance.wait() == 0.25
    now[0] = 100.0
    assert allowance.wait() == 0.0
    for _ in range(3):
        allowance.take()
    assert allowance.wait() == 0.5
