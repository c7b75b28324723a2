"""Reading changelogs to their end, as a restore, a command or the view does."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
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
    """A consumer without a group, which sees committed records only. Use as an async context manager."""

    def __init__(self, kafka_options: dict[str, Any], isolation_level: str = "read_committed") -> None:
        self._consumer = AIOKafkaConsumer(
            **kafka_options,
            enable_auto_commit=False,
            isolation_level=isolation_level,
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
        wanted = list(partitions)
        await self._learn_leaders(wanted)
        return dict(await self._consumer.beginning_offsets(wanted))

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where each partition ends for this reader: behind all records, or all committed ones."""
        wanted = list(partitions)
        await self._learn_leaders(wanted)
        return dict(await self._consumer.end_offsets(wanted))

    async def _learn_leaders(self, partitions: Iterable[TopicPartition]) -> None:
        """Ask for all topics at once: aiokafka asks for one that it does not know yet every 0.1 s."""
        client = self._consumer._client
        await asyncio.gather(*(client.add_topic(topic) for topic in {tp.topic for tp in partitions}))

    async def read_to_end(
        self,
        partitions: Iterable[TopicPartition],
        on_row: OnRow,
        on_progress: OnProgress | None = None,
        ends: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """Pass every committed record that the partitions hold now to ``on_row``, each partition in order.

        ``ends``: how far to read, if not to where they end now. Raises ``StalledError`` if nothing comes for
        a minute. Compares the consumer's position with the end, not record offsets: markers occupy offsets.
        """
        wanted = list(partitions)
        if not wanted:
            return
        consumer = self._consumer
        consumer.assign(wanted)
        ends = await consumer.end_offsets(wanted) if ends is None else ends
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
                raise StalledError(_stalled(left, remaining))
            if on_progress is not None:
                on_progress(left)


def _stalled(left: int, remaining: Iterable[TopicPartition]) -> str:
    names = ", ".join(f"{tp.topic}[{tp.partition}]" for tp in sorted(remaining))
    return (
        f"no row came for {STALLED_AFTER:.0f} s with {left} offsets to go in {names}: it has no leader, or a "
        "transaction that the broker has not ended (`kafka-transactions.sh find-hanging`)"
    )
