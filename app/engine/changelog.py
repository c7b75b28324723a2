"""Reading changelogs to their end, as a restore, a command or the view does."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

#: Called with (topic, partition, key, value) for every committed record.
OnRow = Callable[[str, int, bytes, bytes | None], None]

#: Called with how many offsets are still to be read.
OnProgress = Callable[[int], None]

#: Seconds without a row after which reading gives up. A partition without a leader would wait for ever.
STALLED_AFTER = 60.0

FETCH_BYTES = 4 * 1024 * 1024


_REMEDY: Final = (
    "bring the topic back as it was, offsets too, or start over under another application id, "
    "which folds what the sources still hold"
)


class ChangelogError(Exception):
    """A changelog is not what was written to it: whatever is made of it would be wrong."""

    def __init__(self, topic: str, partition: int, problem: str) -> None:
        super().__init__(f"{topic}[{partition}] {problem}; {_REMEDY}")


class StalledError(Exception):
    """The broker has rows that it does not send."""


class ChangelogReader:
    """A consumer without a group that sees committed records only. Use as an async context manager."""

    def __init__(self, kafka_options: dict[str, Any]) -> None:
        self._consumer = AIOKafkaConsumer(
            **kafka_options,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def beginnings(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the first offset that each partition still holds."""
        return dict(await self._consumer.beginning_offsets(list(partitions)))

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset behind the last committed record of each partition."""
        return dict(await self._consumer.end_offsets(list(partitions)))

    async def read_to_end(
        self,
        partitions: Iterable[TopicPartition],
        on_row: OnRow,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Pass every committed record that the partitions hold now to ``on_row``, each partition in order.

        Raises ``StalledError`` if nothing comes for a minute.
        Compares the consumer's position with the end, not record offsets: transaction markers occupy offsets.
        """
        wanted = list(partitions)
        if not wanted:
            return
        consumer = self._consumer
        consumer.assign(wanted)
        ends = await consumer.end_offsets(wanted)
        await consumer.seek_to_beginning(*wanted)
        remaining = {tp: end for tp, end in ends.items() if await consumer.position(tp) < end}
        left, moved = math.inf, time.monotonic()
        while remaining:
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                topic, partition = tp.topic, tp.partition
                for record in records:
                    on_row(topic, partition, record.key, record.value)
                await asyncio.sleep(0)
            positions = {tp: await consumer.position(tp) for tp in remaining}
            remaining = {tp: end for tp, end in remaining.items() if positions[tp] < end}
            before, left = left, sum(end - positions[tp] for tp, end in remaining.items())
            if left != before:
                moved = time.monotonic()
            elif time.monotonic() - moved > STALLED_AFTER:
                raise StalledError(f"no row came for {STALLED_AFTER:.0f} s with {left} offsets to go")
            if on_progress is not None:
                on_progress(left)
