"""Deterministic gateway traffic on all six topics: the same settings give the same bytes.

Callers are skewed as traffic is: the one of rank r sends in proportion to 1 / (r + 10). Times rise evenly over the
days of the load. Where everyone is to send, first events of callers are spread evenly over it. While events are made they are counted (``expected.py``), so that nothing that is measured has a
part in what it is compared with.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from tests.bench.expected import Expected

MODELS: Final = ("claude-sonnet-4", "gpt-4o-mini", "gemini-2.5-flash", "llama-3.3-70b", "mistral-large")
FIRST_DAY: Final = date(2025, 3, 1)

REQUESTS, CACHE_HITS, MCP_CALLS, RACES, FACTS, SUBSCRIPTIONS = TOPICS = (
    "gateway.requests",
    "gateway.cache-hits",
    "gateway.mcp-calls",
    "gateway.races",
    "gateway.facts",
    "gateway.subscriptions",
)

#: Of a thousand events, how many are of each topic.
PROPORTIONS: Final = (700, 200, 80, 9, 9, 2)

#: Bytes of a record batch; what a busy gateway's producer sends with a small linger.
BATCH_BYTES: Final = 256 * 1024

_CHUNK: Final = 8192
_IN_FLIGHT: Final = 64
_MILLISECONDS: Final = 86_400_000
_SUBSCRIPTIONS: Final = 40
_OF_NO_CALLER: Final = TOPICS.index(SUBSCRIPTIONS)

#: 245 to 250 bytes, as a gateway's row is.
_REQUEST: Final = (
    b'{"request_id":"req-%010d","caller_id":"%s","model":"%s","status":"success","tokens_in":%d,"tokens_out":%d,'
    b'"cost_usd":"0.%06d","latency_ms":%d,"fallback_used":false,"cache":null,"created_at":"%s"}'
)
_CACHE_HIT: Final = (
    b'{"hit_id":"hit-%010d","caller_id":"%s","kind":"%s","model":"%s","tokens_saved":%d,"cost_saved":"0.%06d",'
    b'"hits":1,"created_at":"%s"}'
)
_MCP_CALL: Final = (
    b'{"call_id":"mcp-%010d","caller_id":"%s","tool":"search_code","tokens_saved":%d,"created_at":"%s"}'
)
_RACE: Final = b'{"call_id":"race-%010d","caller_id":"%s","winner_model":"%s","created_at":"%s"}'
_FACT: Final = b'{"fact_id":"fact-%010d","caller_id":"%s","superseded_by":%s,"created_at":"%s"}'
_SUBSCRIPTION: Final = b'{"subscription_id":"sub-%02d","active":%s,"created_at":"%s"}'


@dataclass(frozen=True, slots=True)
class Load:
    """How many events of how many callers, over how many days."""

    events: int
    callers: int = 1_000
    days: int = 42
    seed: int = 1
    proportions: tuple[int, ...] = PROPORTIONS
    #: Whether every caller sends at least once, where there are as many events: of many, most would not send at all.
    everyone: bool = False


class Sent(NamedTuple):
    """One event: the number of its topic, its key, its value."""

    topic: int
    key: bytes
    value: bytes


def events(load: Load, expected: Expected) -> Iterator[Sent]:
    """Yield the events, in the order of their time, and count each."""
    rng = random.Random(load.seed)
    callers = [b"caller-%07d" % number for number in range(load.callers)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(load.callers)))
    days = [(FIRST_DAY + timedelta(days=day)).isoformat().encode() for day in range(load.days)]
    kinds = list(accumulate(load.proportions))
    models = [model.encode() for model in MODELS]
    step = load.days * _MILLISECONDS / load.events
    first_day = FIRST_DAY.toordinal() - date(1970, 1, 1).toordinal()
    pace = load.events // load.callers if load.everyone else 0
    turn, newcomers = 0, iter(random.Random(load.seed).sample(callers, len(callers) if pace else 0))
    for start in range(0, load.events, _CHUNK):
        numbers = range(start, min(start + _CHUNK, load.events))
        topics = rng.choices(range(len(TOPICS)), cum_weights=kinds, k=len(numbers))
        chosen = rng.choices(callers, cum_weights=weights, k=len(numbers))
        for number, topic, caller in zip(numbers, topics, chosen, strict=True):
            bits = rng.getrandbits(48)
            day, millisecond = divmod(int(number * step), _MILLISECONDS)
            second, millisecond = divmod(millisecond, 1000)
            minute, second = divmod(second, 60)
            at = b"%sT%02d:%02d:%02d.%03dZ" % (days[day], minute // 60, minute % 60, second, millisecond)
            model = (bits >> 21) % len(MODELS)
            small, money = 50 + (bits & 1023), bits >> 24 & 0xFFFF
            if pace and number >= turn and topic != _OF_NO_CALLER:
                caller = next(newcomers, caller)  # noqa: PLW2901 - whom chance has chosen sends another time
                turn += pace
            key = caller
            if topic == 0:
                tokens_in, latency = 100 + (bits >> 10 & 2047), 100 + (bits >> 36)
                value = _REQUEST % (number, caller, models[model], tokens_in, small, money, latency, at)
                expected.request(caller, model, first_day + day)
            elif topic == 1:
                kind = b"semantic" if bits & 4096 else b"exact"
                value = _CACHE_HIT % (number, caller, kind, models[model], small, money, at)
                expected.cache_hit(caller, first_day + day, small, money * 1000, semantic=kind == b"semantic")
            elif topic == 2:
                value = _MCP_CALL % (number, caller, small, at)
                expected.mcp_call(caller, first_day + day, small)
            elif topic == 3:
                value = _RACE % (number, caller, models[model], at)
                expected.race(caller)
            elif topic == 4:
                superseded = not bits & 7
                value = _FACT % (number, caller, b'"another"' if superseded else b"null", at)
                expected.fact(caller, superseded=superseded)
            else:
                key = b"sub-%02d" % (bits % _SUBSCRIPTIONS)
                value = _SUBSCRIPTION % (bits % _SUBSCRIPTIONS, b"true" if bits & 64 else b"false", at)
            yield Sent(topic, key, value)
    expected.events = load.events


async def produce(
    kafka_options: dict[str, Any],
    prefix: str,
    partitions: int,
    load: Load,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Expected:
    """Send the load, keyed by caller and partitioned as the Java client does; return when all is acknowledged."""
    expected = Expected()
    async with AIOKafkaProducer(**kafka_options, max_batch_size=BATCH_BYTES, linger_ms=0) as producer:
        homes: dict[bytes, int] = {}
        batches: dict[tuple[int, int], Any] = {}
        names = [prefix + name for name in TOPICS]
        sent: list[Any] = []

        async def send(target: tuple[int, int]) -> None:
            batch = batches.pop(target)
            batch.close()
            sent.append(await producer.send_batch(batch, names[target[0]], partition=target[1]))
            if len(sent) > _IN_FLIGHT:
                await sent.pop(0)

        for number, (topic, key, value) in enumerate(events(load, expected)):
            partition = homes.get(key)
            if partition is None:
                partition = homes[key] = int(murmur2(key) & 0x7FFFFFFF) % partitions
            target = (topic, partition)
            batch = batches.get(target)
            if batch is None:
                batch = batches[target] = producer.create_batch()
            if batch.append(key=key, value=value, timestamp=None) is None:
                await send(target)
                batch = batches[target] = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
            if not number % _CHUNK:
                on_progress(number)
        for target in list(batches):
            await send(target)
        for acknowledged in sent:
            await acknowledged
        on_progress(load.events)
    return expected
