"""Asking the broker how far the sources go, independently of the consumer that reads them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

#: Fetches that may come back empty before a partition counts as one that holds something.
PROBES: Final = 10


class Sources:
    """A consumer without a group that sees committed records only. Use as an async context manager."""

    def __init__(self, kafka_options: Mapping[str, Any]) -> None:
        self._consumer = AIOKafkaConsumer(
            **kafka_options,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",  # a position that retention overtook is not the end
            fetch_max_wait_ms=50,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset behind the last committed record or marker of each partition."""
        return dict(await self._consumer.end_offsets(list(partitions)))

    async def hold_nothing(self, partition: TopicPartition, position: int, end: int) -> bool:
        """Say whether there are only transaction markers and aborted or compacted records up to the end."""
        consumer = self._consumer
        consumer.assign([partition])
        consumer.seek(partition, position)
        for _ in range(PROBES):
            try:
                if await consumer.getmany(partition, timeout_ms=100, max_records=1):
                    return False
            except UnicodeDecodeError:  # a record with the name of a header that aiokafka cannot read
                return False
            if await consumer.position(partition) >= end:
                return True
        return False
