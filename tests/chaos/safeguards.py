"""Safeguards of the product, each to be taken out from outside: a worker without one must turn the suite red.

What takes one out patches the engine or the tables of this process; the product has no switch for it.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from app.engine import takeover
from app.engine.changelog import ChangelogReader
from app.engine.consumer import ConsumerThread
from app.engine.fold import Message
from app.engine.rows_written import KEY as ROWS_WRITTEN
from app.engine.tasks import Tasks
from app.engine.transactions import NO_ROWS, TransactionalWriter
from tables.partition import Partition
from tables.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.engine.record_writer import Rows
    from app.engine.task import Task
    from app.topics import Surroundings


def take_out(name: str) -> None:
    """Take a safeguard out of this process."""
    SAFEGUARDS[name]()


# -- what a worker begins with -------------------------------------------------------------------------------


def positions() -> None:
    """Begin where the group's offsets are, as any consumer does, and not at the positions beside the rows."""
    complete = Tasks._complete_positions

    async def patched(self: Tasks, tasks: Sequence[Task], reader: ChangelogReader) -> None:
        admin = AIOKafkaAdminClient(**self._kafka_options)
        await admin.start()
        try:
            committed = await admin.list_consumer_group_offsets(self._app_id)
        finally:
            await admin.close()
        for task in tasks:
            task.positions = {
                tp.topic: each.offset
                for tp, each in committed.items()
                if tp.partition == task.partition and tp.topic in task.stage.topics and each.offset >= 0
            }
        await complete(self, tasks, reader)

    Tasks._complete_positions = patched  # type: ignore[method-assign]


def identities_kept() -> None:
    """Remember identities in memory only: whoever takes the partition over knows none."""
    Seen.restore = lambda *_: None  # type: ignore[method-assign]
    Seen.drain = lambda _: iter(())  # type: ignore[assignment,method-assign]


def identities() -> None:
    """Take every event for a new one."""
    Seen.add = lambda *_: True  # type: ignore[method-assign]


# -- transactions --------------------------------------------------------------------------------------------


def fencing() -> None:
    """Write under a transactional id of one's own: an older owner is not shut out."""
    init = TransactionalWriter.__init__

    def patched(self: TransactionalWriter, kafka_options: dict[str, Any], transactional_id: str) -> None:
        init(self, kafka_options, f"{transactional_id}-{secrets.token_hex(4)}")

    TransactionalWriter.__init__ = patched  # type: ignore[method-assign]


def apart(is_apart: Callable[[Message], bool]) -> None:
    """Send some messages by a plain producer: they are there whatever becomes of the transaction."""
    init, fence, stop = TransactionalWriter.__init__, TransactionalWriter.fence, TransactionalWriter.stop
    batches = TransactionalWriter._batches
    plain: dict[TransactionalWriter, AIOKafkaProducer] = {}

    def patched_init(self: TransactionalWriter, kafka_options: dict[str, Any], transactional_id: str) -> None:
        init(self, kafka_options, transactional_id)
        plain[self] = AIOKafkaProducer(**kafka_options, acks="all", max_request_size=16 * 1024 * 1024)

    async def patched_fence(self: TransactionalWriter) -> None:
        await plain[self].start()
        await fence(self)

    def patched_batches(self: TransactionalWriter, messages: Sequence[Message], rows: Rows) -> Iterator[Any]:
        everything = [*messages, *as_messages(rows)]
        by_plain: Any = SimpleNamespace(_producer=plain[self])
        yield from batches(by_plain, [each for each in everything if is_apart(each)], NO_ROWS)
        yield from batches(self, [each for each in everything if not is_apart(each)], NO_ROWS)

    async def patched_stop(self: TransactionalWriter) -> None:
        await stop(self)
        await plain[self].stop()

    TransactionalWriter.__init__ = patched_init  # type: ignore[method-assign]
    TransactionalWriter.fence = patched_fence  # type: ignore[method-assign]
    TransactionalWriter._batches = patched_batches  # type: ignore[method-assign]
    TransactionalWriter.stop = patched_stop  # type: ignore[method-assign]


def as_messages(rows: Rows) -> Iterator[Message]:
    """Yield the messages that rows become."""
    for (topic, partition), entries in rows.items():
        for row in entries:
            yield Message(topic, partition, row.key, row.value)


def outputs_in_transactions() -> None:
    """Send outputs, dead letters, forwarded events and shares by a plain producer, before the rows."""
    apart(lambda message: not message.topic.endswith("-changelog"))


def rows_in_transactions() -> None:
    """Send rows and positions by a plain producer, before the outputs."""
    apart(lambda message: message.topic.endswith("-changelog"))


def positions_in_transactions() -> None:
    """Send positions by a plain producer, before the rows that they belong to.

    How many rows were written stays in the transaction: else a worker refuses what was not written after all.
    """
    apart(lambda message: message.topic.endswith("positions-changelog") and message.key != ROWS_WRITTEN)


def markers_written_again() -> None:
    """Restore what the broker's markers say is committed, and write none of those that are lost."""
    read = ChangelogReader.read_to_end

    async def nothing(*_: Any) -> set[TopicPartition]:
        return set()

    async def patched(
        self: ChangelogReader, partitions: Any, on_row: Any, on_progress: Any = None, _: Any = None
    ) -> None:
        await read(self, partitions, on_row, on_progress)

    takeover._held_up = nothing  # type: ignore[assignment]
    ChangelogReader.read_to_end = patched  # type: ignore[assignment,method-assign]


def failures_heeded() -> None:
    """After a transaction that failed, go on with a new producer as if it were committed."""
    init, write = TransactionalWriter.__init__, TransactionalWriter.write
    options: dict[TransactionalWriter, dict[str, Any]] = {}

    def patched_init(self: TransactionalWriter, kafka_options: dict[str, Any], transactional_id: str) -> None:
        init(self, kafka_options, transactional_id)
        options[self] = kafka_options

    async def patched_write(
        self: TransactionalWriter, messages: Sequence[Message], rows: Rows = NO_ROWS
    ) -> None:
        try:
            await write(self, messages, rows)
        except Exception:  # noqa: BLE001 - that is its purpose
            await self.stop()
            init(self, options[self], self.transactional_id)
            await self.fence()

    TransactionalWriter.__init__ = patched_init  # type: ignore[method-assign]
    TransactionalWriter.write = patched_write  # type: ignore[method-assign]


# -- what is folded ------------------------------------------------------------------------------------------


def committed_sources() -> None:
    """Read what transactions have written to the sources before they are committed, or aborted."""
    create = ConsumerThread._create_worker_consumer

    def patched(self: ConsumerThread, transport: Any) -> Any:
        consumer = create(self, transport)
        consumer._isolation_level = "read_uncommitted"
        return consumer

    ConsumerThread._create_worker_consumer = patched  # type: ignore[method-assign]


def home_partitions() -> None:
    """Fold every event where it arrives."""
    init = Partition.__init__

    def patched(self: Partition, number: int, surroundings: Surroundings, *others: Any) -> None:
        init(self, number, replace(surroundings, partition_of=lambda _: number), *others)

    Partition.__init__ = patched  # type: ignore[assignment,method-assign]


SAFEGUARDS: dict[str, Callable[[], None]] = {
    "positions": positions,
    "identities": identities,
    "identities-kept": identities_kept,
    "fencing": fencing,
    "outputs-in-transactions": outputs_in_transactions,
    "rows-in-transactions": rows_in_transactions,
    "positions-in-transactions": positions_in_transactions,
    "markers-written-again": markers_written_again,
    "failures-heeded": failures_heeded,
    "committed-sources": committed_sources,
    "home-partitions": home_partitions,
}
