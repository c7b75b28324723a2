"""The bytes-only reader that all else is compared with: aiokafka's ``getmany``, and nothing done with the records.

A process of its own, as a worker is. Prints one JSON line: the records after the first fetch, the seconds
from then on, and the seconds from the start.
"""

import asyncio
import json
import os
import time

import click
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.engine.changelog import FETCH_BYTES
from app.settings import Settings


@click.command
@click.option("--topic", "topics", type=(str, int), multiple=True, required=True, help="Name and partitions.")
@click.option("--committed", is_flag=True, help="Read as a restore does: what is committed only.")
def main(topics: tuple[tuple[str, int], ...], committed: bool) -> None:  # noqa: FBT001 - click passes options so
    """Read topics from the beginning to the end that they have now."""
    print(json.dumps(asyncio.run(_read(topics, committed=committed))))  # noqa: T201 - its only output


async def _read(topics: tuple[tuple[str, int], ...], *, committed: bool) -> dict[str, float]:
    options = Settings.from_environ(os.environ).kafka_options()
    if committed:
        options |= {"max_partition_fetch_bytes": FETCH_BYTES, "fetch_max_wait_ms": 100}
    isolation = "read_committed" if committed else "read_uncommitted"
    async with AIOKafkaConsumer(
        **options, enable_auto_commit=False, auto_offset_reset="earliest", isolation_level=isolation
    ) as consumer:
        partitions = [TopicPartition(topic, number) for topic, count in topics for number in range(count)]
        started = time.monotonic()
        consumer.assign(partitions)
        remaining = {tp: end for tp, end in (await consumer.end_offsets(partitions)).items() if end}
        records = first = 0
        began = 0.0
        while remaining:
            fetched = await consumer.getmany(timeout_ms=200)
            records += sum(map(len, fetched.values()))
            if not began and records:
                began, first = time.monotonic(), records
            remaining = {tp: end for tp, end in remaining.items() if await consumer.position(tp) < end}
        now = time.monotonic()
        return {"after_first": records - first, "seconds": now - began, "from_start": now - started}


if __name__ == "__main__":
    main()
