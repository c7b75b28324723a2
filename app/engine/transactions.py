"""One transactional producer: what is written together is seen together, and an older owner is fenced."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from app.engine.fold import Message

#: Seconds after which the broker aborts a transaction whose owner has stalled. Until then it holds back
#: every read_committed reader of the topics that it touched.
TRANSACTION_TIMEOUT = 10.0

#: Largest batch of records in one produce request, in bytes; the broker's default limit for a batch is 1 MiB.
BATCH_BYTES = 900_000

#: Largest request. A dead letter carries a message that was itself as large as a broker accepts by default.
REQUEST_BYTES = 16 * 1024 * 1024


class TransactionalWriter:
    """Writes messages in transactions under one transactional id. Not safe for concurrent calls."""

    def __init__(self, kafka_options: dict[str, Any], transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self._producer = AIOKafkaProducer(
            **kafka_options,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT * 1000),
            request_timeout_ms=int(TRANSACTION_TIMEOUT * 1000),
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
        )

    async def fence(self) -> None:
        """Connect and take over the transactional id: from here on every older owner's writes fail.

        An open transaction of that owner is aborted before this returns. May block while the broker is away.
        """
        await self._producer.start()

    async def write(self, messages: Iterable[Message]) -> None:
        """Write all messages in one transaction; when this returns, they are committed.

        Raises whatever went wrong. The caller must then leave: what the broker has is not known any more.
        """
        await self._producer.begin_transaction()
        sent = [await delivery for delivery in self._batches(messages)]
        for acknowledged in sent:
            await acknowledged
        await self._producer.commit_transaction()

    def _batches(self, messages: Iterable[Message]) -> "Iterable[Any]":
        """Yield one awaitable per full batch while filling, then one for what is left of each partition."""
        create, send = self._producer.create_batch, self._producer.send_batch
        open_batches: dict[tuple[str, int], Any] = {}
        for message in messages:
            key, value, headers = message.key, message.value, message.headers
            target = topic, partition = message.topic, message.partition
            batch = open_batches.get(target)
            if batch is None:
                batch = open_batches[target] = create()
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                yield send(batch, topic, partition=partition)
                batch = open_batches[target] = create()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        for (topic, partition), batch in open_batches.items():
            batch.close()
            yield send(batch, topic, partition=partition)

    async def stop(self) -> None:
        """Close the connections. Never raises for a producer that never started."""
        await asyncio.shield(self._producer.stop())
