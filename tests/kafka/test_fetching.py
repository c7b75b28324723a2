from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.consumer import consumer as consumers
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import FetchRequest

from app.engine.fetching import ASK_INTERVAL, LONG_WAIT, SHORT_WAIT, use_quick_fetches
from app.engine.records import CompiledRecords

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from app.local.broker import Broker

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _own_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give aiokafka back afterwards as it was: other tests of this process read partitions of its records."""
    for place, name in (
        (fetcher, "PartitionRecords"),
        (fetcher, "MemoryRecords"),
        (fetcher.FetchResult, "getall"),
        (consumers, "Fetcher"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))


@pytest_asyncio.fixture
async def topic(broker: Broker) -> str:
    """Return a topic of two partitions, with ten records in the first."""
    name = await _create_topic(broker)
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        await producer.partitions_for(name)
        for number in range(10):
            headers = [("number", b"%d" % number)]
            await producer.send_and_wait(name, b"value", b"key", partition=0, headers=headers)
    return name


async def _create_topic(broker: Broker) -> str:
    name = f"t{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    await admin.close()
    return name


@pytest.mark.parametrize(("configured", "longest"), [(1500, LONG_WAIT), (100, 100)])
async def test_an_idle_partition_holds_no_other_up(
    broker: Broker, topic: str, configured: int, longest: int
) -> None:
    """A request for some partitions only comes back soon: until then the others are not asked for.

    One for all of them may stay with the broker, which answers as soon as there is anything; not for longer
    than the consumer is told to wait.
    """
    use_quick_fetches()

    asked: list[tuple[set[int], int]] = []
    came_back_soon = asyncio.Event()
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, auto_offset_reset="earliest", fetch_max_wait_ms=configured
    ) as consumer:

        def note(request: FetchRequest) -> None:
            partitions = {number for _, parts in request.topics for number, *_ in parts}
            asked.append((partitions, request._max_wait_ms))
            if asked[-1] == ({1}, SHORT_WAIT):
                came_back_soon.set()

        _watch_requests(consumer, note)
        consumer.assign([TopicPartition(topic, 0), TopicPartition(topic, 1)])
        async with asyncio.timeout(PATIENCE):
            await came_back_soon.wait()  # nothing is taken from the consumer meanwhile
    assert {wait for partitions, wait in asked if partitions == {0, 1}} == {longest}
    assert {wait for partitions, wait in asked if partitions != {0, 1}} == {SHORT_WAIT}


def _watch_requests(consumer: AIOKafkaConsumer, note: Callable[[FetchRequest], None]) -> None:
    """Have every request for records noted before it is sent."""
    send = consumer._client.send

    async def spy(node: int, request: Any, **options: Any) -> Any:
        if isinstance(request, FetchRequest):
            note(request)
        return await send(node, request, **options)

    consumer._client.send = spy


async def test_a_trickle_of_records_is_not_asked_for_one_by_one(broker: Broker, topic: str) -> None:
    """Between two requests to a broker is a pause, however soon each is answered, and no record is lost."""
    use_quick_fetches()

    asked: list[FetchRequest] = []
    async with (
        AIOKafkaProducer(bootstrap_servers=broker.address) as producer,
        AIOKafkaConsumer(bootstrap_servers=broker.address) as consumer,
    ):
        _watch_requests(consumer, asked.append)
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        began = time.monotonic()
        consumer.seek(partition, 10)
        read = []
        async with asyncio.timeout(PATIENCE):
            for number in range(20):
                await producer.send_and_wait(topic, b"%d" % number, partition=0)
                read.append((await consumer.getone()).value)
    assert read == [b"%d" % number for number in range(20)]
    assert (len(asked) - 1) * ASK_INTERVAL <= time.monotonic() - began


async def test_records_have_what_a_fold_reads(broker: Broker, topic: str) -> None:
    """The records of aiokafka's compiled reader are handed out, with all that was sent and nothing around it."""
    use_quick_fetches()

    records: list[Any] = []
    async with AIOKafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        async with asyncio.timeout(PATIENCE):
            while len(records) < 10:
                for fetched in (await consumer.getmany(timeout_ms=1000, max_records=3)).values():
                    records += fetched
    assert [record.offset for record in records] == list(range(10))
    assert {(record.key, record.value) for record in records} == {(b"key", b"value")}
    assert [tuple(record.headers) for record in records] == [(("number", b"%d" % n),) for n in range(10)]
    assert all(record.timestamp > 0 for record in records)
    assert not any(hasattr(record, "topic") for record in records)


@pytest_asyncio.fixture
async def transactions(broker: Broker) -> TopicPartition:
    """Return a partition with batches of one and many records, plain ones, committed ones and aborted ones."""
    name, number = await _create_topic(broker), count()
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        await producer.partitions_for(name)
        await _send(producer, name, number, 5, 20)
    async with AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=name) as producer:
        for records, commits in ((30, True), (7, False), (1, True), (40, False), (12, True), (3, False)):
            await producer.begin_transaction()
            await _send(producer, name, number, records)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    return TopicPartition(name, 0)


async def _send(producer: AIOKafkaProducer, topic: str, number: Iterator[int], *sizes: int) -> None:
    """Send batches of so many records each."""
    for size in sizes:
        batch = producer.create_batch()
        for _ in range(size):
            batch.append(key=None, value=b"%d" % next(number), timestamp=None)
        await (await producer.send_batch(batch, topic, partition=0))


@asynccontextmanager
async def _reading(broker: Broker, partition: TopicPartition, start: int) -> AsyncIterator[AIOKafkaConsumer]:
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, isolation_level="read_committed"
    ) as consumer:
        consumer.assign([partition])
        consumer.seek(partition, start)
        async with asyncio.timeout(PATIENCE):
            yield consumer


async def test_a_whole_fetch_is_what_aiokafka_reads_one_by_one(
    broker: Broker, transactions: TopicPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same records and position from wherever one begins, in the middle of a batch or of an aborted one too."""
    use_quick_fetches()

    async with _reading(broker, transactions, 0) as consumer:
        [end] = (await consumer.end_offsets([transactions])).values()
        one_by_one: list[tuple[int, bytes]] = []
        while len(one_by_one) < 5 + 20 + 30 + 1 + 12:
            record = await consumer.getone()
            one_by_one.append((record.offset, record.value))
        at_once = create_autospec(CompiledRecords.all, side_effect=CompiledRecords.all)
        monkeypatch.setattr(CompiledRecords, "all", at_once)
        for start in range(end):
            consumer.seek(transactions, start)
            whole: list[tuple[int, bytes]] = []
            while await consumer.position(transactions) < end:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    whole += [(record.offset, record.value) for record in records]
            assert whole == [each for each in one_by_one if each[0] >= start], f"from {start}"
    assert at_once.call_count >= end


async def test_a_fetch_that_is_begun_goes_on_record_by_record(
    broker: Broker, transactions: TopicPartition
) -> None:
    """Nothing is lost or given twice where one record is taken, then a few, then all."""
    use_quick_fetches()

    async with _reading(broker, transactions, 3) as consumer:
        offsets = [(await consumer.getone()).offset]
        for limit in (2, 25, None, None):
            for records in (await consumer.getmany(timeout_ms=1000, max_records=limit)).values():
                offsets += [record.offset for record in records]
    assert offsets[:30] == list(range(3, 33))
    assert len(offsets) == len(set(offsets)) == 5 + 20 + 30 + 1 + 12 - 3
