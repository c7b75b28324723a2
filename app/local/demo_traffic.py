"""Sending the sample traffic at a pace to look at, counting what was sent, and following what is folded."""

import asyncio
import time
from asyncio import Future
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.domain.money import parse_dollars
from app.factory import POSITIONS
from app.local.sample import Sample, Traffic
from app.settings import Settings
from app.topics import INPUTS, Surroundings

#: Seconds between two looks at what is due.
_TICK = 0.05


class Totals:
    """A plain count of events, to be compared with what streakline makes of them."""

    def __init__(self) -> None:
        self.events = 0
        self.requests: Counter[str] = Counter()
        self.cache_hits = 0
        self.tokens_saved = 0
        #: Nano-dollars.
        self.cost_saved = 0

    def add(self, sample: Sample) -> None:
        """Count an event."""
        event: dict[str, Any] = msgspec.json.decode(sample.value)
        self.events += 1
        self.tokens_saved += event.get("tokens_saved", 0)
        if sample.topic == "gateway.requests":
            self.requests[event["caller_id"]] += 1
        elif sample.topic == "gateway.cache-hits":
            self.cache_hits += event["hits"]
            self.cost_saved += parse_dollars(event["cost_saved"])


class Sender:
    """Sends samples to their topics and counts them."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._settings = settings
        self._producer = producer
        self.sent = Totals()
        #: When the newest event that was sent happened.
        self.at: datetime | None = None

    async def send(self, samples: Sequence[Sample]) -> None:
        """Send messages and wait until the broker has them."""
        await asyncio.gather(*[await self._send(sample) for sample in samples])

    async def play(self, samples: Sequence[Sample], seconds: float) -> None:
        """Send messages over so many seconds, at the pace of their times; wait until the broker has them."""
        begin, end = samples[0].created_at, samples[-1].created_at
        speed = (end - begin) / max(seconds, _TICK)
        began, pending = time.monotonic(), []
        for sample in samples:
            early = (sample.created_at - begin) / speed - (time.monotonic() - began)
            if early > 0:
                await asyncio.sleep(max(early, _TICK))
            pending.append(await self._send(sample))
        await asyncio.gather(*pending)

    async def trickle(self, source: Traffic) -> None:
        """Send a little of what happens now, for ever."""
        while True:
            await self.send(source.next(datetime.now(UTC)))
            await asyncio.sleep(0.4)

    async def _send(self, sample: Sample) -> "Future[Any]":
        self.sent.add(sample)
        self.at = sample.created_at
        topic = self._settings.topic(sample.topic)
        future: Future[Any] = await self._producer.send(topic, sample.value, sample.key)
        return future


@asynccontextmanager
async def sender(settings: Settings) -> AsyncIterator[Sender]:
    """Yield a sender, connected as long as it is needed."""
    producer = AIOKafkaProducer(**settings.kafka_options(), enable_idempotence=True, linger_ms=20)
    await producer.start()
    try:
        yield Sender(settings, producer)
    finally:
        await producer.stop()


class Folded:
    """How many of the events in the input topics are folded, by the positions that the worker commits."""

    def __init__(self, settings: Settings) -> None:
        around = Surroundings.of(settings)
        self._settings = settings
        self._partitions = [
            TopicPartition(around.changelog(POSITIONS), number) for number in range(settings.partitions)
        ]
        self._inputs = {around.topic(name).encode() for name in INPUTS}
        self._positions: dict[tuple[int, bytes], int] = {}
        self._goal = 0
        self._reached = asyncio.Event()

    @property
    def events(self) -> int:
        """Return how many events are folded and committed."""
        return sum(self._positions.values())

    async def reach(self, events: int) -> None:
        """Wait until so many events are folded."""
        self._goal = events
        if self.events < events:
            self._reached.clear()
            await self._reached.wait()

    async def follow(self) -> None:
        """Follow the positions for ever; the topics must be new, so that a position is a count."""
        consumer = AIOKafkaConsumer(
            **self._settings.kafka_options(),
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        async with consumer:
            consumer.assign(self._partitions)
            async for record in consumer:
                if record.key in self._inputs:
                    self._positions[record.partition, record.key] = int(record.value)
                    if self.events >= self._goal:
                        self._reached.set()
