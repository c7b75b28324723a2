"""Taking over transactional ids, with what the last transactions of the owners before hold up.

A transaction ends with a marker in each partition that it has written to; until it is there, readers of what
is committed see nothing behind the transaction's first record. A broker can lose markers: when Apache Kafka
4.4.0 comes back after ``kill -9`` and has not written all of them yet, it takes partitions that have no
leader for a moment for deleted ones, and calls the transaction complete (docs/decisions/0015). Whoever
restored then would find the state of before, and fold and publish again what has been.

So the coordinator is asked how the last transaction of an id ended, before taking the id over makes it forget
that. Where a partition is held up afterwards, an empty transaction over it ends in the same way: its marker
counts for all that the same producer has left open.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from app.engine.changelog import ChangelogReader
from app.engine.last_transaction import is_committed
from app.engine.transactions import TransactionalWriter


async def take_over(
    kafka_options: dict[str, Any], writers: Mapping[TransactionalWriter, Collection[TopicPartition]]
) -> None:
    """Take over the transactional ids of all writers: from here on every older owner's writes fail.

    The partitions are those that the owners before may have written to. What their last transactions hold up
    there is told to end when this returns: read to the end of everything. Blocks while the broker is away.
    """
    if not writers:
        return
    written_to = {tp for partitions in writers.values() for tp in partitions}
    async with (
        ChangelogReader(kafka_options, "read_uncommitted") as everything,
        ChangelogReader(kafka_options) as readable,
    ):
        # Asked twice: a broker that cannot answer says so before it is told to forget.
        await _held_up(written_to, everything, readable)
        committed = await _committed(kafka_options, [writer.transactional_id for writer in writers])
        await _all(writer.fence() for writer in writers)
        held_up = await _held_up(written_to, everything, readable)
    endings = []
    for writer, partitions in writers.items():
        last = committed[writer.transactional_id]
        own = held_up.intersection(partitions)
        # What is held up may be another owner's, which lives: a marker more does not hurt it.
        if own and last is not None:
            endings.append(writer.end_again(own, commit=last))
    await _all(endings)


async def _all(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait until each has ended, one way or the other; raise what the first of them raised."""
    for failed in await asyncio.gather(*coroutines, return_exceptions=True):
        if failed is not None:
            raise failed


async def _committed(kafka_options: dict[str, Any], ids: Collection[str]) -> dict[str, bool | None]:
    """Return whether the last transaction of each id counts; None where there is none, or nobody can say."""
    client = AIOKafkaClient(**kafka_options)
    try:
        await client.bootstrap()
        last = await asyncio.gather(*(is_committed(client, each) for each in ids))
        return dict(zip(ids, last, strict=True))
    finally:
        await client.close()


async def _held_up(
    partitions: Collection[TopicPartition], everything: ChangelogReader, readable: ChangelogReader
) -> set[TopicPartition]:
    """Return the partitions that end in a transaction without a marker."""
    ends = await everything.ends(partitions)
    return {tp for tp, end in (await readable.ends(partitions)).items() if end < ends[tp]}
