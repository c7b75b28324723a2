"""Deterministic request events: the same settings give the same bytes, at more than 100,000 events per second."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

MODELS: Final = ("claude-sonnet-4", "gpt-4o-mini", "gemini-2.5-flash", "llama-3.3-70b", "mistral-large")
FIRST_DAY: Final = date(2025, 3, 1)

#: Bytes of a record batch; what a busy gateway's producer sends with a small linger.
BATCH_BYTES: Final = 256 * 1024

_CHUNK: Final = 8192
_IN_FLIGHT: Final = 64
_MILLISECONDS: Final = 86_400_000
_EVENT: Final = (
    b'{"request_id":"req-%010d","caller_id":"%s","model":"%s","status":"success","tokens_in":%d,"tokens_out":%d,'
    b'"cost_usd":"0.%06d","latency_ms":%d,"fallback_used":false,"cache":null,"created_at":"%sT%02d:%02d:%02d.%03dZ"}'
)


@dataclass(frozen=True, slots=True)
class Load:
    """How many events of how many callers, over how many days. Event times rise, as a gateway's do.

    Callers are skewed: the one of rank r makes requests in proportion to 1 / (r + 10). With at least as many
    callers as events each caller has one event.
    """

    events: int
    callers: int = 1_700
    days: int = 42
    seed: int = 1


class Request(NamedTuple):
    """One event, as it is sent and as a recount needs it."""

    key: bytes
    value: bytes
    tokens: int


def requests(load: Load) -> Iterator[Request]:
    """Yield the events, in the order of their time."""
    rng = random.Random(load.seed)
    callers = [b"caller-%06d" % number for number in range(load.callers)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(load.callers)))
    models = [model.encode() for model in MODELS]
    days = [(FIRST_DAY + timedelta(days=day)).isoformat().encode() for day in range(load.days)]
    one_each = load.callers >= load.events
    for start in range(0, load.events, _CHUNK):
        numbers = range(start, min(start + _CHUNK, load.events))
        chosen = (
            callers[start : start + _CHUNK]
            if one_each
            else rng.choices(callers, cum_weights=weights, k=len(numbers))
        )
        for number, caller in zip(numbers, chosen, strict=False):
            bits = rng.getrandbits(48)
            tokens_in, tokens_out = 100 + (bits & 2047), 50 + (bits >> 11 & 1023)
            day, millisecond = divmod(number * load.days * _MILLISECONDS // load.events, _MILLISECONDS)
            second, millisecond = divmod(millisecond, 1000)
            value = _EVENT % (
                number,
                caller,
                models[(bits >> 21) % len(models)],
                tokens_in,
                tokens_out,
                bits >> 24 & 0xFFFF,
                100 + (bits >> 36),
                days[day],
                *(second // 3600, second // 60 % 60, second % 60, millisecond),
            )
            yield Request(caller, value, tokens_in + tokens_out)


def recount(load: Load) -> tuple[Counter[str], Counter[str]]:
    """Return requests and tokens by caller, counted without anything that is measured."""
    counted: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for request in requests(load):
        caller = request.key.decode()
        counted[caller] += 1
        tokens[caller] += request.tokens
    return counted, tokens


async def produce(
    kafka_options: dict[str, Any],
    topic: str,
    partitions: int,
    load: Load,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Send the load, keyed by caller and partitioned as the Java client does; return when all is acknowledged."""
    async with AIOKafkaProducer(**kafka_options, max_batch_size=BATCH_BYTES, linger_ms=0) as producer:
        homes: dict[bytes, int] = {}
        batches = [producer.create_batch() for _ in range(partitions)]
        sent: list[Any] = []

        async def send(partition: int) -> None:
            batches[partition].close()
            sent.append(await producer.send_batch(batches[partition], topic, partition=partition))
            batches[partition] = producer.create_batch()
            if len(sent) > _IN_FLIGHT:
                await sent.pop(0)

        for number, (key, value, _) in enumerate(requests(load)):
            partition = homes.get(key)
            if partition is None:
                partition = homes[key] = int(murmur2(key) & 0x7FFFFFFF) % partitions
            if batches[partition].append(key=key, value=value, timestamp=None) is None:
                await send(partition)
                batches[partition].append(key=key, value=value, timestamp=None)
            if not number % _CHUNK:
                on_progress(number)
        for partition in range(partitions):
            await send(partition)
        for acknowledged in sent:
            await acknowledged
        on_progress(load.events)
