"""Rate limits: a sliding window, counted atomically in Redis for all processes, and locally while Redis is unavailable.

Each window is divided into ten slices plus the current one; a slice counts until all of it has left the window. So no
window of the rate's length admits more than its limit, at a cost of at most eleven small numbers per key.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from infrastructure import lazy_import
from infrastructure.cache import redis as redis_client
from infrastructure.cache.breaker import Breaker
from infrastructure.cache.rates import Rate
from infrastructure.product import PRODUCT
from infrastructure.telemetry import metrics

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_import.module("redis")

_log = structlog.get_logger(__name__)

SLICES: Final = 10
_LOCAL_KEYS = 10_000

# KEYS[1] holds the slices of all rates of one key, as fields `<period ms>:<slice number>`.
# ARGV: prefix-free pairs of limit and period (ms) from 2 on; ARGV[1] is the cost.
# Returns, for each rate: used before this call, and the ms until enough of it has left for the call to be admitted
# (when refused) or until its oldest slice leaves (when admitted). First element: 1 admitted, 0 refused.
_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cost = tonumber(ARGV[1])
local fields = redis.call('HGETALL', KEYS[1])
local stale, answer, admitted, longest = {}, {1}, 1, 0
local slices = {}
for i = 1, #fields, 2 do
  local period, slice = string.match(fields[i], '^(%d+):(%d+)$')
  period, slice = tonumber(period), tonumber(slice)
  if (slice + SLICES + 1) * period / SLICES <= now then
    stale[#stale + 1] = fields[i]
  else
    slices[period] = slices[period] or {}
    table.insert(slices[period], {slice, tonumber(fields[i + 1])})
  end
end
for i = 2, #ARGV, 2 do
  local limit, period = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local own, used, wait = slices[period] or {}, 0, 0
  table.sort(own, function(a, b) return a[1] < b[1] end)
  for _, pair in ipairs(own) do used = used + pair[2] end
  if used + cost > limit then
    admitted = 0
    local left = used
    for _, pair in ipairs(own) do
      left = left - pair[2]
      wait = (pair[1] + SLICES + 1) * period / SLICES - now
      if left + cost <= limit then break end
    end
    if #own == 0 then wait = period end
  elseif #own > 0 then
    wait = (own[1][1] + SLICES + 1) * period / SLICES - now
  else
    wait = period
  end
  if period > longest then longest = period end
  answer[#answer + 1] = used
  answer[#answer + 1] = math.ceil(wait)
end
if #stale > 0 then redis.call('HDEL', KEYS[1], unpack(stale)) end
if admitted == 1 then
  for i = 2, #ARGV, 2 do
    local period = tonumber(ARGV[i + 1])
    redis.call('HINCRBY', KEYS[1], string.format('%d:%d', period, math.floor(now * SLICES / period)), cost)
  end
  redis.call('PEXPIRE', KEYS[1], math.ceil(longest * 1.1) + 1000)
end
answer[1] = admitted
return answer
""".replace("SLICES", str(SLICES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a limiter, for the rate that binds tightest.

    Attributes:
        allowed: Whether the call may go on; a refused call is not counted.
        limit, period, remaining: The rate's size, its seconds, and what is left of it after this call.
        retry_after: Seconds until such a call can be admitted; 0 when it was.
        reset_after: Seconds until a part of the rate becomes free again.
    """

    allowed: bool
    limit: int
    period: int
    remaining: int
    retry_after: int
    reset_after: int


def _verdict(rates: Sequence[Rate], cost: int, numbers: Sequence[int]) -> Verdict:
    allowed = numbers[0] == 1
    tightest: tuple[int, int, Rate, int] | None = None
    retry_after = 0
    for index, rate in enumerate(rates):
        used, wait = numbers[1 + 2 * index], numbers[2 + 2 * index]
        seconds = max(1, math.ceil(wait / 1000))
        if not allowed and used + cost > rate.limit:
            retry_after = max(retry_after, seconds)
        remaining = max(0, rate.limit - used - (cost if allowed else 0))
        candidate = (remaining, -rate.period, rate, seconds)
        if tightest is None or candidate < tightest:
            tightest = candidate
    assert tightest is not None
    remaining, _, rate, seconds = tightest
    return Verdict(
        allowed=allowed,
        limit=rate.limit,
        period=rate.period,
        remaining=remaining,
        retry_after=retry_after,
        reset_after=retry_after or seconds,
    )


class LocalCounter:
    """Counts in the same way within one process, in bounded memory: the keys that were idle longest are dropped."""

    def __init__(self, *, max_keys: int = _LOCAL_KEYS, clock: Callable[[], float] = time.time) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, dict[tuple[int, int], int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def hit(self, key: str, rates: Sequence[Rate], cost: int) -> list[int]:
        """The numbers that the script would return."""
        now = int(self._clock() * 1000)
        with self._lock:
            slices = self._keys.pop(key, {})
            for field in [field for field in slices if _leaves_at(field) <= now]:
                del slices[field]
            answer = [1]
            for rate in rates:
                period = rate.period * 1000
                own = sorted(field for field in slices if field[0] == period)
                used, wait = sum(slices[field] for field in own), period
                if used + cost > rate.limit:
                    answer[0], left = 0, used
                    for field in own:
                        left -= slices[field]
                        wait = _leaves_at(field) - now
                        if left + cost <= rate.limit:
                            break
                elif own:
                    wait = _leaves_at(own[0]) - now
                answer += [used, wait]
            if answer[0]:
                for rate in rates:
                    period = rate.period * 1000
                    field = (period, now * SLICES // period)
                    slices[field] = slices.get(field, 0) + cost
            if slices:
                self._keys[key] = slices
            while len(self._keys) > self._max_keys:
                self._keys.popitem(last=False)
        return answer


def _leaves_at(field: tuple[int, int]) -> int:
    """The time when a slice has left its window completely, in Unix milliseconds."""
    period, number = field
    return (number + SLICES + 1) * period // SLICES


# One for the process: after one limiter has failed to reach Redis, the others do not wait for it.
_BREAKER: Final = Breaker(pause=3.0)
_LOCAL: Final = LocalCounter()


class Limiter:
    """Counts calls in Redis, and locally in each process while Redis is unavailable."""

    def __init__(
        self,
        *,
        prefix: str = f"{PRODUCT.slug}:rate",
        connect: Callable[[], redis.Redis] = redis_client.client,
        breaker: Breaker | None = None,
        local: LocalCounter | None = None,
    ) -> None:
        self._prefix = prefix
        self._connect = connect
        self._breaker = breaker or _BREAKER
        self._local = local if local is not None else _LOCAL
        self._script: redis.commands.core.Script | None = None

    def hit(self, *, scope: str, key: str, rates: Sequence[Rate], cost: int = 1) -> Verdict:
        """Count a call of `cost` against every rate at once: admitted by all of them, or counted by none.

        Args:
            scope: What is limited (`login`, `zone:public`); a part of the stored key.
            key: Who is counted: a user, an address from apps.common.http.client_address, a digest of an e-mail address.
            rates: At least one.
        """
        if not rates:
            raise ValueError("A limit needs at least one rate.")
        name = f"{self._prefix}:{scope}:{key}"
        numbers = self._shared(name, rates, cost)
        if numbers is None:
            metrics.RATE_LIMIT_FALLBACKS.inc()
            numbers = self._local.hit(name, rates, cost)
        verdict = _verdict(rates, cost, numbers)
        if not verdict.allowed:
            metrics.RATE_LIMITED.labels(scope).inc()
        return verdict

    def _shared(self, name: str, rates: Sequence[Rate], cost: int) -> Sequence[int] | None:
        """The script's numbers, or None while Redis is unavailable."""
        if not self._breaker.may_try():
            return None
        arguments = [cost]
        for rate in rates:
            arguments += [rate.limit, rate.period * 1000]
        try:
            if self._script is None:
                self._script = self._connect().register_script(_SCRIPT)
            numbers: Sequence[int] = self._script(keys=[name], args=arguments)
        except redis.RedisError as error:
            if self._breaker.failed():
                _log.warning("ratelimit.local", error=repr(error))
            return None
        if self._breaker.succeeded():
            _log.info("ratelimit.shared_again")
        return numbers


limiter: Final = Limiter()
"""The limiter of the process."""
