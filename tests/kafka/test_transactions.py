from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import ConcurrentTransactions, ProducerFenced
from aiokafka.producer import sender
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.protocol.transaction import AddPartitionsToTxnResponse_v0

from app.engine.fold import Message, Row
from app.engine.transactions import (
    BATCH_BYTES,
    BEGIN_AGAIN,
    SEQUENCE_NUMBERS,
    TransactionalWriter,
    use_steady_producers,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.engine.record_writer import Rows
    from app.local.broker import Broker

PATIENCE = 60.0


@pytest_asyncio.fixture
async def topic(broker: Broker) -> str:
    """Return a topic of two partitions that takes large messages."""
    name = f"t{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    large = {"max.message.bytes": str(16 * 1024 * 1024)}
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs=large)])
    await admin.close()
    return name


@pytest.fixture
def steady_producers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapt aiokafka's producers for one test."""
    numbered = TransactionManager.increment_sequence_number
    monkeypatch.setattr(TransactionManager, "increment_sequence_number", numbered)
    monkeypatch.setattr(sender, "BACKOFF_OVERRIDE", sender.BACKOFF_OVERRIDE)
    use_steady_producers()


@asynccontextmanager
async def writing(broker: Broker, transactional_id: str) -> AsyncIterator[TransactionalWriter]:
    """Yield a writer that has taken over its transactional id."""
    writer = TransactionalWriter({"bootstrap_servers": broker.address}, transactional_id)
    await writer.fence()
    try:
        yield writer
    finally:
        await writer.stop()


async def committed(broker: Broker, topic: str, partition: int) -> list[tuple[Any, ...]]:
    """Return what a reader of committed records finds, as aiokafka reads it."""
    tp = TopicPartition(topic, partition)
    found: list[tuple[Any, ...]] = []
    async with (
        asyncio.timeout(PATIENCE),
        AIOKafkaConsumer(bootstrap_servers=broker.address, isolation_level="read_committed") as consumer,
    ):
        consumer.assign([tp])
        [end] = (await consumer.end_offsets([tp])).values()
        consumer.seek(tp, 0)
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(each.key, each.value, tuple(each.headers)) for each in records]
    return found


async def test_a_transaction_of_many_batches(broker: Broker, topic: str) -> None:
    """Messages and rows of two partitions, several batches of each, one message larger than a batch: all, in order."""
    messages = [
        Message(topic, 0, b"%d" % number, b"x" * 1000, [("number", b"%d" % number)])
        for number in range(2_500)
    ]
    letter: Any = [("name", None), ("", b"")]  # as another producer may have written them
    messages[1_000:1_000] = [Message(topic, 0, None, b"y" * (3 * BATCH_BYTES), letter)]
    rows: Rows = {(topic, 1): [Row("t", b"%d" % n, b"z" * 300 if n % 5 else None) for n in range(8_000)]}

    async with writing(broker, topic) as writer:
        await writer.write(messages, rows)
        await writer.write([Message(topic, 1, b"last", None)])

    assert await committed(broker, topic, 0) == [
        (each.key, each.value, tuple(each.headers or ())) for each in messages
    ]
    assert await committed(broker, topic, 1) == [
        *((row.key, row.value, ()) for row in rows[topic, 1]),
        (b"last", None, ()),
    ]


async def test_what_is_not_committed_is_not_read(broker: Broker, topic: str) -> None:
    """The batches belong to the transaction: the next owner aborts it, and the older one cannot commit."""
    async with writing(broker, topic) as writer:
        await writer.write([Message(topic, 0, b"first", b"1")])
        await writer._producer.begin_transaction()
        for delivery in writer._batches([Message(topic, 0, b"second", b"2")], {}):
            await (await delivery)
        async with writing(broker, topic) as owner:
            await owner.write([Message(topic, 0, b"third", b"3")])
            with pytest.raises(ProducerFenced):
                await writer._producer.commit_transaction()

    assert await committed(broker, topic, 0) == [(b"first", b"1", ()), (b"third", b"3", ())]


@pytest.mark.usefixtures("steady_producers")
async def test_sequence_numbers_begin_anew(broker: Broker, topic: str) -> None:
    """A producer that has written 2^31 records into a partition writes on, in the middle of a batch or behind one."""
    messages = [Message(topic, place, b"key", b"%d" % number) for number in range(5) for place in (0, 1)]
    async with writing(broker, topic) as writer:
        for partition, left in enumerate((5, 8)):
            numbers = writer._producer._txn_manager._sequence_numbers
            numbers[TopicPartition(topic, partition)] = SEQUENCE_NUMBERS - left
        for _ in range(3):
            await writer.write(messages)

    for partition in (0, 1):
        values = [value for _, value, _ in await committed(broker, topic, partition)]
        assert values == [b"%d" % number for number in range(5)] * 3


@pytest.mark.usefixtures("steady_producers")
async def test_a_transaction_that_comes_too_early_is_begun_again_soon() -> None:
    """The seam: aiokafka waits as long as we say where the broker is not done with the transaction before."""
    producer: Any = SimpleNamespace(_retry_backoff=0.1, _txn_manager=TransactionManager("id", 1000))
    handler = sender.AddPartitionsToTxnHandler(producer, {TopicPartition("topic", 0)})
    refused = AddPartitionsToTxnResponse_v0(0, [("topic", [(0, ConcurrentTransactions.errno)])])
    assert handler.handle_response(refused) == BEGIN_AGAIN
