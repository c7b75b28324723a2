"""Mixed traffic as a broker holds it: 70 requests, 20 cache hits, 8 MCP calls and 2 others of every 100 events."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from aiokafka.partitioner import murmur2
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tests.bench.load import MODELS

FIRST_DAY: Final = date(2025, 3, 1)
DAYS: Final = 42

#: Bytes of a record batch, and of a fetch: what is folded at once of a worker that lags.
BATCH_BYTES: Final = 64 * 1024
FETCH_BYTES: Final = 1024 * 1024

#: The broker's time of every record, in milliseconds: after the newest event.
BROKER_TIME: Final = 1_745_000_000_000

_REQUEST: Final = (
    '{{"request_id":"req-{n:010d}","caller_id":"{caller}","model":"{model}","status":"success","tokens_in":{a},'
    '"tokens_out":{b},"cost_usd":"0.{c:06d}","latency_ms":{b},"fallback_used":false,"cache":null,"created_at":"{at}"}}'
)
_HIT: Final = (
    '{{"hit_id":"hit-{n:010d}","caller_id":"{caller}","kind":"{kind}","model":"{model}","tokens_saved":{a},'
    '"cost_saved":"0.{c:06d}","hits":1,"created_at":"{at}"}}'
)
_CALL: Final = '{{"call_id":"mcp-{n:010d}","caller_id":"{caller}","tool":"search","tokens_saved":{a},"created_at":"{at}"}}'
_RACE: Final = (
    '{{"call_id":"race-{n:010d}","caller_id":"{caller}","winner_model":"{model}","created_at":"{at}"}}'
)
_FACT: Final = '{{"fact_id":"fact-{n:010d}","caller_id":"{caller}","created_at":"{at}"}}'

#: What is sent to which topic, and how many of 100 events.
_MIX: Final = {
    ("gateway.requests", _REQUEST): 70,
    ("gateway.cache-hits", _HIT): 20,
    ("gateway.mcp-calls", _CALL): 8,
    ("gateway.races", _RACE): 1,
    ("gateway.facts", _FACT): 1,
}


@dataclass(frozen=True, slots=True)
class Mixed:
    """How many events of how many callers; the caller of rank r acts in proportion to 1 / (r + 10)."""

    events: int
    callers: int
    partitions: int = 8
    seed: int = 1


class Fetch(NamedTuple):
    """What a broker answers: record batches of one partition of one topic."""

    topic: str
    partition: int
    offset: int
    batches: bytes


def events(load: Mixed) -> Iterator[tuple[str, str, bytes]]:
    """Yield topic, caller and value of each event, in the order of their time."""
    rng = random.Random(load.seed)
    weights = list(accumulate(1 / (rank + 10) for rank in range(load.callers)))
    kinds, shares = list(_MIX), list(accumulate(_MIX.values()))
    for n in range(load.events):
        [rank] = rng.choices(range(load.callers), cum_weights=weights)
        [(topic, text)] = rng.choices(kinds, cum_weights=shares)
        day, millisecond = divmod(n * DAYS * 86_400_000 // load.events, 86_400_000)
        second, millisecond = divmod(millisecond, 1000)
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{millisecond:03}Z"
        caller = f"caller-{rank:06d}"
        value = text.format(
            n=n,
            caller=caller,
            model=rng.choice(MODELS),
            kind=rng.choice(("exact", "semantic")),
            a=100 + rng.getrandbits(11),
            b=50 + rng.getrandbits(10),
            c=rng.getrandbits(16),
            at=f"{FIRST_DAY + timedelta(days=day)}T{clock}",
        )
        yield topic, caller, value.encode()


def fetches(load: Mixed) -> Iterator[Fetch]:
    """Yield the events as a worker that lags fetches them: partitioned by caller, in full record batches."""
    homes: dict[str, int] = {}
    logs: dict[tuple[str, int], _Log] = {}
    for topic, caller, value in events(load):
        key = caller.encode()
        home = homes.get(caller)
        if home is None:
            home = homes[caller] = int(murmur2(key) & 0x7FFFFFFF) % load.partitions
        log = logs.get((topic, home))
        if log is None:
            log = logs[topic, home] = _Log()
        log.append(key, value)
        if len(log.full) >= FETCH_BYTES:
            yield Fetch(topic, home, *log.take())
    for (topic, home), log in sorted(logs.items()):
        log.close_batch()
        yield Fetch(topic, home, *log.take())


class _Log:
    """One partition of a topic."""

    def __init__(self) -> None:
        self.full = bytearray()
        self._offset = self._first = 0
        self._builder = self._new_builder()

    def _new_builder(self) -> DefaultRecordBatchBuilder:
        self._base = self._offset
        return DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, BATCH_BYTES)

    def append(self, key: bytes, value: bytes) -> None:
        """Write a record."""
        while self._builder.append(self._offset - self._base, BROKER_TIME, key, value, []) is None:
            self.close_batch()
        self._offset += 1

    def close_batch(self) -> None:
        """Complete the open batch, with the base offset that a broker gives it."""
        batch = bytearray(self._builder.build())
        batch[:8] = self._base.to_bytes(8, "big")
        self.full += batch
        self._builder = self._new_builder()

    def take(self) -> tuple[int, bytes]:
        """Return the first offset and the batches that are complete, once."""
        first, self._first = self._first, self._base
        batches = bytes(self.full)
        self.full.clear()
        return first, batches
