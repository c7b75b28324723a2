"""Watching a worker from outside: the positions that it commits, and what it has counted in the end."""

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.engine.changelog import ChangelogReader
from app.factory import POSITIONS
from app.topics import Surroundings
from tables import counters
from tests.bench.surroundings import PARTITIONS, REQUESTS, Bench, BenchError


class Sample(NamedTuple):
    """How many events were committed at a moment."""

    seconds: float
    events: int


def rate(samples: list[Sample]) -> float:
    """Return events per second from the first commit to the last; what the first one holds is not counted."""
    first, last = samples[0], samples[-1]
    return (last.events - first.events) / (last.seconds - first.seconds)


async def follow(
    bench: Bench,
    app_id: str,
    events: int,
    *,
    tick: Callable[[int], None],
    stalled_after: float = 60.0,
) -> list[Sample]:
    """Sample the positions changelog until ``events`` requests are committed.

    ``tick`` is called with the count about five times a second; it may raise. Raises ``BenchError`` when nothing
    moves for ``stalled_after`` seconds.
    """
    settings = bench.settings(app_id)
    around = Surroundings.of(settings)
    changelog, source = around.changelog(POSITIONS), around.topic(REQUESTS).encode()
    positions: Counter[int] = Counter()
    samples: list[Sample] = []
    async with AIOKafkaConsumer(
        **settings.kafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as consumer:
        consumer.assign([TopicPartition(changelog, number) for number in range(PARTITIONS)])
        moved = time.monotonic()
        while positions.total() < events:
            before = positions.total()
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    if record.key == source:
                        positions[tp.partition] = int(record.value)
            if positions.total() > before:
                moved = time.monotonic()
                samples.append(Sample(moved, positions.total()))
            elif time.monotonic() - moved > stalled_after:
                raise BenchError(f"no event was committed for {stalled_after:.0f} s")
            tick(positions.total())
    return samples


async def counted(bench: Bench, app_id: str) -> Counter[str]:
    """Return requests by caller as the counters changelog has them; the empty caller is the sum of the shares."""
    settings = bench.settings(app_id)
    rows: dict[tuple[int, bytes], bytes] = {}

    def on_row(_topic: str, partition: int, key: bytes, value: bytes | None) -> None:
        if value is not None:
            rows[partition, key] = value

    changelog = Surroundings.of(settings).changelog(counters.TABLE)
    async with ChangelogReader(settings.kafka_options()) as reader:
        await reader.read_to_end([TopicPartition(changelog, number) for number in range(PARTITIONS)], on_row)
    requests: Counter[str] = Counter()
    for (_, key), value in rows.items():
        requests[key.decode()] += counters.CODEC.decode(value).requests
    return requests
