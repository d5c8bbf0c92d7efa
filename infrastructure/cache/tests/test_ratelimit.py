"""The limiter against a real server: exact, atomic, shared, and local while the server is away."""

from __future__ import annotations

import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from infrastructure.cache.breaker import Breaker
from infrastructure.cache.ratelimit import Limiter, LocalCounter, Verdict
from infrastructure.cache.rates import Rate, RateSyntaxError
from infrastructure.cache.redis import client

AWAY = "redis://127.0.0.1:1/0"


def limiter(**options):
    options.setdefault("breaker", Breaker(pause=0.2))
    options.setdefault("local", LocalCounter())
    return Limiter(prefix=f"test:{uuid.uuid4().hex}", **options)


def away():
    return limiter(connect=lambda: redis.Redis.from_url(AWAY, retry=None))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("60/minute", Rate(60, 60)),
        ("1/second", Rate(1, 1)),
        (" 5/10 minutes ", Rate(5, 600)),
        ("1000/day", Rate(1000, 86_400)),
        ("3/2hours", Rate(3, 7200)),
    ],
)
def test_rates_are_read(text, rate):
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "60", "0/minute", "60/fortnight", "-1/minute", "1/0 minutes", "1.5/hour", "x/day"]
)
def test_other_texts_are_no_rates(text):
    with pytest.raises(RateSyntaxError, match="is not a rate"):
        Rate.parse(text)


@pytest.mark.parametrize("text", ["60/minute", "5/10 minutes", "1/second", "2/day", "7/3 hours"])
def test_a_rate_is_written_as_it_is_read(text):
    assert str(Rate.parse(text)) == text


@pytest.mark.parametrize("make", [limiter, away])
def test_the_limit_is_the_number_of_allowed_calls(make):
    counted = make()
    verdicts = [counted.hit(scope="s", key="k", rates=[Rate(3, 3600)]) for _ in range(5)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, False]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
    assert verdicts[0].limit == 3
    assert verdicts[0].retry_after == 0
    assert 3600 <= verdicts[3].retry_after <= 3960
    assert verdicts[3].reset_after == verdicts[3].retry_after


@pytest.mark.parametrize("make", [limiter, away])
def test_a_call_is_counted_by_all_rates_or_by_none(make):
    counted = make()
    narrow, wide = Rate(2, 3600), Rate(3, 86_400)
    assert counted.hit(scope="s", key="k", rates=[narrow, wide]).remaining == 1
    assert counted.hit(scope="s", key="k", rates=[narrow, wide]).allowed
    refused = counted.hit(scope="s", key="k", rates=[wide, narrow])
    assert (refused.allowed, refused.limit) == (False, 2)
    # Had the refused call cost the wide rate something, nothing of it would be left.
    assert counted.hit(scope="s", key="k", rates=[wide]).allowed
    assert not counted.hit(scope="s", key="k", rates=[wide]).allowed


@pytest.mark.parametrize("make", [limiter, away])
def test_keys_scopes_and_costs(make):
    counted = make()
    rate = [Rate(5, 60)]
    assert counted.hit(scope="s", key="a", rates=rate, cost=4).remaining == 1
    assert not counted.hit(scope="s", key="a", rates=rate, cost=2).allowed
    assert counted.hit(scope="s", key="a", rates=rate).remaining == 0
    assert counted.hit(scope="s", key="b", rates=rate).remaining == 4
    assert counted.hit(scope="t", key="a", rates=rate).remaining == 4
    too_big = counted.hit(scope="s", key="c", rates=rate, cost=6)
    assert (too_big.allowed, too_big.retry_after) == (False, 60)
    assert counted.hit(scope="s", key="d", rates=rate, cost=0).remaining == 5


def test_without_a_rate_nothing_is_counted():
    with pytest.raises(ValueError, match="at least one rate"):
        limiter().hit(scope="s", key="k", rates=[])


@pytest.mark.parametrize("make", [limiter, away])
def test_a_window_slides(make):
    """One per second: never two within a second, and one again soon after."""
    counted, admitted = make(), []
    until = time.monotonic() + 1.7
    while time.monotonic() < until:
        asked = time.monotonic()
        if counted.hit(scope="s", key="k", rates=[Rate(2, 1)]).allowed:
            admitted.append((asked, time.monotonic()))
        time.sleep(0.004)
    assert 2 < len(admitted) <= 4
    # Between the earliest that one can have been counted and the latest: a pause of this thread's proves nothing.
    for (first, _), (_, third) in zip(admitted, admitted[2:], strict=False):
        assert third - first >= 0.99


@pytest.mark.parametrize("make", [limiter, away])
def test_fifty_threads_at_once_get_exactly_the_limit(make):
    counted, gate = make(), threading.Barrier(50)

    def call(_):
        gate.wait()
        return counted.hit(scope="s", key="k", rates=[Rate(20, 60), Rate(100, 3600)]).allowed

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(call, range(50))) == 20


def test_counters_expire_and_stay_small():
    counted = limiter()
    for _ in range(100):
        counted.hit(scope="s", key="k", rates=[Rate(1000, 1)])
        time.sleep(0.013)
    [name] = client().keys(f"{counted._prefix}:*")
    assert client().hlen(name) <= 11
    assert 1000 < client().pttl(name) <= 2100


def test_the_local_counter_forgets_the_oldest_keys():
    now = [1000.0]
    local = LocalCounter(max_keys=3, clock=lambda: now[0])
    for key in "abcd":
        assert local.hit(key, [Rate(1, 60)], 1)[0] == 1
    assert len(local) == 3
    assert local.hit("d", [Rate(1, 60)], 1)[0] == 0
    now[0] += 66.1
    assert local.hit("d", [Rate(1, 60)], 1)[0] == 1
    now[0] += 120
    assert local.hit("d", [Rate(1, 60)], 2) == [0, 0, 60_000]
    assert len(local) == 2


@pytest.mark.campaign
def test_while_redis_is_away_only_one_call_each_pause_finds_out():
    attempts = []

    def connect():
        attempts.append(time.monotonic())
        return redis.Redis.from_url(AWAY, retry=None)

    counted = limiter(connect=connect, breaker=Breaker(pause=60))
    started = time.monotonic()
    assert [counted.hit(scope="s", key="k", rates=[Rate(5, 60)]).allowed for _ in range(8)] == [True] * 5 + [
        False
    ] * 3
    assert time.monotonic() - started < 0.2
    assert len(attempts) == 1


def test_counting_is_shared_again_once_redis_is_back():
    target = [AWAY]
    counted = limiter(
        connect=lambda: redis.Redis.from_url(target[0], retry=None), breaker=Breaker(pause=0.05)
    )
    rate = [Rate(2, 60)]
    assert counted.hit(scope="s", key="k", rates=rate).allowed
    target[0] = os.environ["REDIS_URL"]
    counted._script = None
    time.sleep(0.06)
    assert counted.hit(scope="s", key="k", rates=rate) == Verdict(
        allowed=True, limit=2, period=60, remaining=1, retry_after=0, reset_after=60
    )
    assert not counted._breaker.is_open


def test_the_breaker_lets_one_caller_try():
    now = [0.0]
    breaker = Breaker(pause=1, clock=lambda: now[0])
    assert breaker.may_try()
    assert not breaker.succeeded()
    assert breaker.failed()
    assert not breaker.failed()
    assert not breaker.may_try()
    now[0] = 1.0
    assert [breaker.may_try() for _ in range(3)] == [True, False, False]
    assert breaker.succeeded()
    assert breaker.may_try()
    assert not breaker.is_open
