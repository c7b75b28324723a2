"""Named points at which a worker dies as by ``kill -9``, and two at which it stops as by SIGSTOP.

Set from outside: the product has no switch for them.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from aiokafka import TopicPartition
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.transaction import EndTxnRequest

from app.domain.published import OUTPUTS
from app.engine import transactions
from app.engine.task import Task
from app.engine.transactions import NO_ROWS, TransactionalWriter
from app.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from app.engine.fetched import Fetched
    from app.engine.fold import Message
    from app.engine.record_writer import Rows

    #: Patches the engine for what happens when it is due.
    Point = Callable[[Callable[[], bool]], None]

    #: What takes the place of a transaction.
    Strike = Callable[[TransactionalWriter, Sequence[Message], Rows], Awaitable[None]]


def arm(points: Mapping[str, Point], given: str) -> None:
    """Patch the engine as one of the points says, for when this process comes there the n-th time: ``POINT:N``."""
    point, _, count = given.partition(":")
    points[point](counted(int(count or 1)))


def counted(count: int) -> Callable[[], bool]:
    """Return what says yes when it is asked for the ``count``-th time."""
    left = count

    def is_due() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    return is_due


def die() -> NoReturn:
    """End as by ``kill -9``: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def publishes(messages: Sequence[Message]) -> bool:
    """Say whether there is an unlock, a level-up, an evolution or a dead letter among the messages."""
    return any(message.topic.endswith((*OUTPUTS, DEAD_LETTERS)) for message in messages)


def before_producer(is_due: Callable[[], bool]) -> None:
    """Die before a task takes over its transactional id."""
    fence = TransactionalWriter.fence

    async def patched(self: TransactionalWriter) -> None:
        if is_due():
            die()
        await fence(self)

    TransactionalWriter.fence = patched  # type: ignore[method-assign]


def during_restore(is_due: Callable[[], bool]) -> None:
    """Die between two rows that are restored."""
    restore = Task.restore

    def patched(self: Task, table: str, key: bytes, value: bytes | None) -> None:
        restore(self, table, key, value)
        if is_due():
            die()

    Task.restore = patched  # type: ignore[method-assign]


def after_fold(is_due: Callable[[], bool]) -> None:
    """Die when a batch is folded and nothing of it is written."""
    folded = Task.folded

    def patched(self: Task, fetched: Fetched) -> None:
        folded(self, fetched)
        if is_due():
            die()

    Task.folded = patched  # type: ignore[method-assign]


def after_outputs(is_due: Callable[[], bool]) -> None:
    """Die when outputs, forwarded events, shares and dead letters are on the broker and the rows are not.

    It is the first transaction from the one that is due on that publishes something: else nobody would ever know.
    """

    async def strike(self: TransactionalWriter, messages: Sequence[Message], _: Rows) -> None:
        await send(self, messages)
        die()

    instead_of_write(is_due, strike)


def after_rows(is_due: Callable[[], bool]) -> None:
    """Die when everything is on the broker and only the commit is missing, of such a transaction too."""

    async def strike(self: TransactionalWriter, messages: Sequence[Message], rows: Rows) -> None:
        await send(self, messages, rows)
        die()

    instead_of_write(is_due, strike)


def instead_of_write(is_due: Callable[[], bool], strike: Strike) -> None:
    """Have ``strike`` take the place of one transaction: the first that publishes something from the due one on."""
    write = TransactionalWriter.write
    due = struck = False

    async def patched(self: TransactionalWriter, messages: Sequence[Message], rows: Rows = NO_ROWS) -> None:
        nonlocal due, struck
        due = due or is_due()
        if struck or not (due and publishes(messages)):
            await write(self, messages, rows)
            return
        struck = True
        await strike(self, messages, rows)

    TransactionalWriter.write = patched  # type: ignore[method-assign]


async def send(writer: TransactionalWriter, messages: Sequence[Message], rows: Rows = NO_ROWS) -> None:
    """Begin a transaction and wait until the broker has acknowledged messages and rows."""
    await writer._producer.begin_transaction()
    for acknowledged in [await delivery for delivery in writer._batches(messages, rows)]:
        await acknowledged


def after_commit(is_due: Callable[[], bool]) -> None:
    """Die when the request to commit is on its way and nothing has come back."""
    send_request = AIOKafkaConnection.send

    def patched(self: Any, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - aiokafka's
        response = send_request(self, request, expect_response)
        if isinstance(request, EndTxnRequest) and is_due():
            die()
        return response

    AIOKafkaConnection.send = patched


def while_revoking(is_due: Callable[[], bool]) -> None:
    """Die when some tasks of a revoked assignment are closed and others may not be."""
    close = Task.close

    async def patched(self: Task) -> None:
        await close(self)
        if is_due():
            die()

    Task.close = patched  # type: ignore[method-assign]


#: What a worker says before it stops.
STOPS = "stopping as by SIGSTOP"


def stop_before_write(is_due: Callable[[], bool]) -> None:
    """Stop once, before the first transaction from the one that is due on that publishes something has begun.

    No other is under way then, and none begins before it is done: nothing of this worker is open on the broker,
    and nothing but the next owner's fence keeps what it knows from being written afterwards.
    """
    write = TransactionalWriter.write
    under_way = 0
    idle, done = asyncio.Event(), asyncio.Event()
    idle.set()
    done.set()

    async def patched(self: TransactionalWriter, messages: Sequence[Message], rows: Rows = NO_ROWS) -> None:
        nonlocal under_way
        await done.wait()
        under_way += 1
        idle.clear()
        await write(self, messages, rows)
        under_way -= 1
        if not under_way:
            idle.set()

    async def strike(self: TransactionalWriter, messages: Sequence[Message], rows: Rows) -> None:
        done.clear()
        await idle.wait()
        stop()
        await write(self, messages, rows)
        done.set()

    TransactionalWriter.write = patched  # type: ignore[method-assign]
    instead_of_write(is_due, strike)


def stop_before_commit(is_due: Callable[[], bool]) -> None:
    """Stop once, before the commit of such a transaction.

    The broker keeps the transaction open for a minute: nothing but the next owner's fence can end it sooner.
    """
    transactions.TRANSACTION_TIMEOUT = 60.0

    async def strike(self: TransactionalWriter, messages: Sequence[Message], rows: Rows) -> None:
        await send(self, messages, rows)
        stop()
        await self._producer.commit_transaction()

    instead_of_write(is_due, strike)


def stop() -> None:
    """Stop as by SIGSTOP, and say so."""
    sys.stderr.write(f"{STOPS}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSTOP)


STOPPING: dict[str, Point] = {"write": stop_before_write, "commit": stop_before_commit}


def lose_markers(count: int) -> None:
    """Die in or after the first transaction from the ``count``-th on that publishes something, and half of its markers.

    The broker is not told of half of the partitions, as if it had forgotten them: needs one that does not check.
    """
    write = TransactionalWriter.write

    async def strike(self: TransactionalWriter, messages: Sequence[Message], rows: Rows) -> None:
        # Taken for part of it when those before are quite ended, and never forgotten.
        known = TopicPartition(*next(iter(rows)))
        await self.end_again([known], commit=True)
        forget_partitions(self, lambda tp: tp != known and random.random() < 0.5)
        await (send if random.random() < 0.5 else write)(self, messages, rows)
        die()

    instead_of_write(counted(count), strike)


def forget_partitions(writer: TransactionalWriter, is_forgotten: Callable[[TopicPartition], bool]) -> None:
    """Have a writer take partitions for part of its transactions without telling the broker."""
    manager = writer._producer._txn_manager
    add = manager.maybe_add_partition_to_txn

    def patched(tp: TopicPartition) -> None:
        if tp not in manager.txn_partitions and tp not in manager.partitions_to_add() and is_forgotten(tp):
            manager.txn_partitions.add(tp)
        add(tp)

    manager.maybe_add_partition_to_txn = patched


POINTS: dict[str, Point] = {
    "before-producer": before_producer,
    "during-restore": during_restore,
    "after-fold": after_fold,
    "after-outputs": after_outputs,
    "after-rows": after_rows,
    "after-commit": after_commit,
    "while-revoking": while_revoking,
}
