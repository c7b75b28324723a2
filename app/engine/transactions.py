"""One transactional producer: what is written together is seen together, and an older owner is fenced."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.producer import sender
from aiokafka.producer.transaction_manager import TransactionManager

from app.engine.fold import Message
from app.engine.record_writer import COMPILED, Entry, RecordWriter, Rows, by_target
from app.engine.written_batch import WrittenBatch

#: Seconds after which the broker aborts a transaction whose owner has stalled, if nobody has taken over and
#: fenced it before. Until then it holds back every read_committed reader of the topics that it touched. One
#: of a worker that is behind may take seconds where broker and processor are slow.
TRANSACTION_TIMEOUT = 30.0

#: Seconds within which the broker has to answer.
REQUEST_TIMEOUT = 10.0

#: Largest batch of records in one produce request, in bytes; the broker's default limit for a batch is 1 MiB.
BATCH_BYTES = 900_000

#: Largest request. A dead letter carries a message that was itself as large as a broker accepts by default.
REQUEST_BYTES = 16 * 1024 * 1024

#: Sequence numbers of the records that a producer writes into a partition: after so many they begin anew.
SEQUENCE_NUMBERS: Final = 2**31

#: Seconds after which a transaction is begun again that the broker has refused, because it was not quite done
#: with the one before. aiokafka's 20 ms are longer than all else that a small transaction waits for.
BEGIN_AGAIN: Final = 0.005

NO_ROWS: Final[Rows] = MappingProxyType({})


def use_steady_producers() -> None:
    """Have aiokafka's producers of this process begin transactions again so soon, and number as Kafka does.

    After 2^31 records for one partition, weeks at some thousand rows a second, aiokafka goes on with negative
    numbers, which a broker refuses; Kafka goes on from 0. May be repeated.
    """
    sender.BACKOFF_OVERRIDE = BEGIN_AGAIN
    TransactionManager.increment_sequence_number = _increment_sequence_number


def _increment_sequence_number(manager: Any, partition: TopicPartition, increment: int) -> None:
    following = manager.sequence_number(partition) + increment
    manager._sequence_numbers[partition] = following % SEQUENCE_NUMBERS


class TransactionalWriter:
    """Writes messages in transactions under one transactional id. Not safe for concurrent calls."""

    def __init__(self, kafka_options: dict[str, Any], transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self._producer = AIOKafkaProducer(
            **kafka_options,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT * 1000),
            request_timeout_ms=int(REQUEST_TIMEOUT * 1000),
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
        )
        #: Where the last transaction has written to.
        self._last: set[TopicPartition] = set()

    async def fence(self) -> None:
        """Connect and take over the transactional id: from here on every older owner's writes fail.

        An open transaction of that owner is aborted before this returns. May block while the broker is away.
        """
        await self._producer.start()

    async def end_again(self, partitions: Iterable[TopicPartition], *, commit: bool) -> None:
        """Write a marker into each partition, of a transaction that has written nothing.

        It ends whatever the same producer has left open there; see ``takeover``.
        """
        await self._producer.begin_transaction()
        for partition in partitions:
            self._producer._txn_manager.maybe_add_partition_to_txn(partition)
        await (self._producer.commit_transaction() if commit else self._producer.abort_transaction())

    async def write(self, messages: Sequence[Message], rows: Rows = NO_ROWS) -> None:
        """Write all messages and rows in one transaction; when this returns, they are committed.

        ``rows`` are those of each partition of a changelog, in order, at least one. Raises whatever went
        wrong. The caller must then leave: what the broker has is not known any more.
        """
        await self._producer.begin_transaction()
        sent = [await delivery for delivery in self._batches(messages, rows)]
        self._end_last_again()
        for acknowledged in sent:
            await acknowledged
        await self._producer.commit_transaction()

    def _end_last_again(self) -> None:
        """Have this transaction write markers where the last one may have lost its own, too: ``takeover``."""
        manager = self._producer._txn_manager
        own = manager.txn_partitions | manager.partitions_to_add()
        for partition in self._last - own:
            manager.maybe_add_partition_to_txn(partition)
        self._last = own

    def _batches(self, messages: Sequence[Message], rows: Rows) -> Iterator[Any]:
        """Yield one awaitable per batch, a batch of each partition in turn: a request takes one of each."""
        create, send = self._producer.create_batch, self._producer.send_batch
        entries = by_target(messages)
        for target, more in rows.items():
            entries.setdefault(target, []).extend(more)
        places = dict.fromkeys(entries, 0)
        while places:
            for target, place in list(places.items()):
                batch, places[target] = _filled(create, entries[target], place)
                if places[target] == len(entries[target]):
                    del places[target]
                yield send(batch, target[0], partition=target[1])

    async def stop(self) -> None:
        """Close the connections. Never raises for a producer that never started."""
        await asyncio.shield(self._producer.stop())


def _filled(create: Callable[[], Any], entries: list[Entry], place: int) -> tuple[Any, int]:
    """Return a batch of the entries from ``place`` on, at least one, and the place of the first not in it."""
    if not COMPILED:
        with suppress(UnicodeEncodeError):  # the name of a header, which ``RecordWriter`` can write
            return _filled_by_aiokafka(create(), entries, place)
    writer = RecordWriter(BATCH_BYTES)
    place = writer.fill(entries, place)
    return WrittenBatch.of(writer), place


def _filled_by_aiokafka(batch: Any, entries: list[Entry], place: int) -> tuple[Any, int]:
    for entry in entries[place:]:
        headers = entry.headers if isinstance(entry, Message) else None
        if batch.append(key=entry.key, value=entry.value, timestamp=None, headers=headers) is None:
            break
        place += 1
    batch.close()
    return batch, place
