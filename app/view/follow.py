"""Following the output topics, as a notifier would: committed messages only, and no consumer group."""

import logging
from collections.abc import AsyncIterator
from typing import NamedTuple, Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.domain.published import OUTPUTS, Published
from app.provision import Provisioner, TopicsError
from app.settings import Settings
from app.topics import Surroundings, specs
from app.view.messages import decode

logger = logging.getLogger(__name__)


class Followed(NamedTuple):
    """A message of an output topic: the name of the output, the bytes of the value, and what they say."""

    output: str
    value: bytes
    message: Published


class Follower:
    """Reads the three output topics from their end, or their beginning, on. Use as an async context manager.

    On entering it raises ``StreaklineError`` where the broker does not answer or a topic does not exist; it
    returns when it knows where it begins, so that nothing published afterwards is missed. A broker that goes
    away later is waited for.
    """

    def __init__(self, settings: Settings, *, from_beginning: bool = False) -> None:
        self._settings = settings
        self._from_beginning = from_beginning
        around = Surroundings.of(settings)
        self._output_of = {around.output_topic(output): output for output in OUTPUTS}
        self._needed = [spec for spec in specs(around, {}) if spec.name in self._output_of]
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        async with Provisioner(self._settings) as provisioner:
            problems = [each for each in await provisioner.check(self._needed) if each.problem]
        if problems:
            raise TopicsError(f"topic {problems[0].topic} {problems[0].problem}")
        consumer = self._consumer = AIOKafkaConsumer(
            **self._settings.kafka_options(),
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        await consumer.start()
        partitions = [TopicPartition(each.name, p) for each in self._needed for p in range(each.partitions)]
        consumer.assign(partitions)
        seek = consumer.seek_to_beginning if self._from_beginning else consumer.seek_to_end
        await seek(*partitions)
        for partition in partitions:
            await consumer.position(partition)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def messages(self) -> AsyncIterator[Followed]:
        """Return what is published, for ever."""
        assert self._consumer is not None
        async for record in self._consumer:
            output = self._output_of[record.topic]
            try:
                message = decode(output, record.value or b"")
            except msgspec.DecodeError:
                where = f"{record.topic}[{record.partition}] at {record.offset}"
                logger.warning("%s is no message of streakline and is left out", where)
                continue
            yield Followed(output, record.value, message)
