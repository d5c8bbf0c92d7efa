"""The shared socket code: origins, tokens, the hub of each loop, repeated work, the token bucket."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from django.db import OperationalError

from apps.common.sockets import handshake
from apps.common.sockets.registry import HubRegistry, repeat
from apps.common.sockets.token_bucket import TokenBucket


@pytest.mark.parametrize(
    ("origin", "host", "is_same"),
    [
        ("https://site.example", "site.example", True),
        ("https://site.example:443", "site.example", True),
        ("https://site.example", "site.example:443", True),
        ("http://site.example:80", "site.example", True),
        ("https://SITE.example", "site.EXAMPLE", True),
        ("http://[::1]:80", "[::1]", True),
        ("https://site.example:8443", "site.example:8443", True),
        ("https://site.example:8443", "site.example", False),
        ("http://site.example:443", "site.example", False),
        ("https://site.example", "site.example:8443", False),
        ("https://evil.example", "evil.example", False),
        ("https://evil.example@site.example", "site.example", False),
        ("https://site.example:x", "site.example", False),
        ("https://[::1", "[::1", False),
        ("null", "site.example", False),
        ("", "site.example", False),
        ("https://app.example:443", "site.example", True),
        ("https://public.example", "site.example", True),
        ("https://public.example:443", "10.0.0.1", True),
        ("app://desktop", "site.example", True),
    ],
)
def test_handshakes_of_the_same_site_are_allowed(
    settings: Any, origin: str, host: str, *, is_same: bool
) -> None:
    settings.ALLOWED_HOSTS = ["site.example", "[::1]"]
    settings.PUBLIC_URL = "https://public.example"
    settings.CORS_ZONE_ORIGINS = ("https://app.example", "app://desktop")
    scope = {"headers": [(b"host", host.encode()), (b"origin", origin.encode())]}
    assert handshake.is_same_site(scope) is is_same


def test_two_origins_are_refused_and_none_is_allowed(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["site.example"]
    origin = (b"origin", b"https://site.example")
    host = (b"host", b"site.example")
    assert handshake.is_same_site({"headers": [host]})
    assert handshake.is_same_site({"headers": [host, origin]})
    assert not handshake.is_same_site({"headers": [host, origin, origin]})
    settings.CORS_ZONE_ORIGINS = ("*",)
    assert handshake.is_same_site({"headers": [host, (b"origin", b"null")]})


class _Hub:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    async def aclose(self) -> None:
        self.calls.append("aclose")
        raise OSError


def test_each_loop_has_its_own_hub() -> None:
    hubs = HubRegistry(_Hub)

    async def serve() -> _Hub:
        assert hubs.find() is None
        await hubs.startup()
        hub = hubs.get()
        assert hubs.get() is hub is hubs.find()
        assert hubs.list_all() == [hub]
        with pytest.raises(OSError):
            await hubs.shutdown()
        assert hubs.list_all() == []
        await hubs.shutdown()
        return hub

    first, second = asyncio.run(serve()), asyncio.run(serve())
    assert first is not second
    assert first.calls == second.calls == ["start", "aclose"]


async def test_repeated_work_continues_after_errors() -> None:
    turns = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns < 3:
            raise (OperationalError, ValueError)[turns - 1]
        done.set()

    task = asyncio.create_task(repeat("test", every=0, work=work))
    await asyncio.wait_for(done.wait(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


def test_a_bucket_holds_a_burst_and_refills(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now += 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now += 60
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
