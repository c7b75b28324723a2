"""The bytes-only reader that all else is compared with: aiokafka's ``getmany``, and nothing done with the records.

A process of its own, as a worker is. Twenty times a second, and last of all, it prints how many records it has read,
the time (monotonic) and its processor seconds.
"""

import asyncio
import json
import os
import time

import click
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.engine.changelog import FETCH_BYTES
from app.settings import Settings

REPORT_EVERY = 0.05


@click.command
@click.option("--topic", "topics", type=(str, int), multiple=True, required=True, help="Name and partitions.")
@click.option("--committed", is_flag=True, help="Read as a restore does: what is committed only.")
def main(topics: tuple[tuple[str, int], ...], committed: bool) -> None:  # noqa: FBT001 - click passes options so
    """Read topics from the beginning to the end that they have now."""
    asyncio.run(_read(topics, committed=committed))


async def _read(topics: tuple[tuple[str, int], ...], *, committed: bool) -> None:
    options = Settings.from_environ(os.environ).kafka_options()
    isolation = "read_committed" if committed else "read_uncommitted"
    async with AIOKafkaConsumer(
        **options,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation,
        max_partition_fetch_bytes=FETCH_BYTES,
    ) as consumer:
        partitions = [TopicPartition(topic, number) for topic, count in topics for number in range(count)]
        said = 0.0
        consumer.assign(partitions)
        remaining = {tp: end for tp, end in (await consumer.end_offsets(partitions)).items() if end}
        records = 0
        while remaining:
            fetched = await consumer.getmany(timeout_ms=200)
            records += sum(map(len, fetched.values()))
            remaining = {tp: end for tp, end in remaining.items() if await consumer.position(tp) < end}
            if (now := time.monotonic()) - said > REPORT_EVERY or not remaining:
                said = now
                print(json.dumps([records, now, time.process_time()]), flush=True)  # noqa: T201 - its only output


if __name__ == "__main__":
    main()
