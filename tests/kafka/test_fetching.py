from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.consumer.fetcher import FetchRequest

from app.engine.fetching import LONG_WAIT, SHORT_WAIT, use_quick_fetches

if TYPE_CHECKING:
    from app.local.broker import Broker

PATIENCE = 30.0


@pytest_asyncio.fixture
async def topic(broker: Broker) -> str:
    """Return a topic of two partitions, with ten records in the first."""
    name = f"t{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        await producer.partitions_for(name)
        for number in range(10):
            headers = [("number", b"%d" % number)]
            await producer.send_and_wait(name, b"value", b"key", partition=0, headers=headers)
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
        send = consumer._client.send

        async def spy(node: int, request: Any, **options: Any) -> Any:
            if isinstance(request, FetchRequest):
                partitions = {number for _, parts in request.topics for number, *_ in parts}
                asked.append((partitions, request._max_wait_ms))
                if asked[-1] == ({1}, SHORT_WAIT):
                    came_back_soon.set()
            return await send(node, request, **options)

        consumer._client.send = spy
        consumer.assign([TopicPartition(topic, 0), TopicPartition(topic, 1)])
        async with asyncio.timeout(PATIENCE):
            await came_back_soon.wait()  # nothing is taken from the consumer meanwhile
    assert {wait for partitions, wait in asked if partitions == {0, 1}} == {longest}
    assert {wait for partitions, wait in asked if partitions != {0, 1}} == {SHORT_WAIT}


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
