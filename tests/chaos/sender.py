"""The producer: sends traffic from a thread, whatever happens to the brokers and the workers meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.settings import Settings
    from app.topics import Surroundings
    from tests.chaos.traffic import Traffic
    from tests.support.deployment import Sending

#: Slices of a second that are sent at once.
SLICES = 5
#: Messages of a slice where there is no rate.
LARGE_SLICE = 5_000


class Sender:
    """Sends ``rate`` messages per second, or as fast as it can, until ``limit`` events are sent or it is stopped.

    What a broker did not acknowledge is sent again, so that a message may be in the input twice: that is what
    gateways do too. Use as a context manager; leaving it stops the sender.
    """

    def __init__(
        self,
        settings: Settings,
        around: Surroundings,
        traffic: Traffic,
        *,
        rate: int | None,
        limit: int | None,
    ) -> None:
        self.sent = 0
        self._settings = settings
        self._around = around
        self._traffic = traffic
        self._rate = rate
        self._limit = limit
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sender")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Return when everything up to the limit is sent."""
        self._thread.join()

    def stop(self) -> None:
        """Let no more events happen, send what is on its way, and return when that is acknowledged."""
        self._traffic.finish()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        try:
            asyncio.run(self._send_all())
        except BaseException as exc:  # noqa: BLE001 - raised where it is joined
            self._failed = exc

    async def _send_all(self) -> None:
        size = self._rate // SLICES if self._rate else LARGE_SLICE
        producer = AIOKafkaProducer(**self._settings.kafka_options(), acks="all", max_batch_size=1_000_000)
        async with producer:
            due = time.monotonic()
            while messages := self._traffic.take(size):
                await self._send(producer, messages)
                self.sent += len(messages)
                if self._limit is not None and self.sent >= self._limit:
                    self._traffic.finish()
                if self._rate:
                    due = max(due + 1 / SLICES, time.monotonic() - 1)
                    await asyncio.sleep(due - time.monotonic())

    async def _send(self, producer: Any, messages: Iterable[Sending]) -> None:
        by_target: dict[tuple[str, int], list[Sending]] = {}
        for message in messages:
            by_target.setdefault((message.topic, message.partition), []).append(message)
        await asyncio.gather(
            *(self._send_batch(producer, *target, by_target[target]) for target in by_target)
        )

    async def _send_batch(self, producer: Any, topic: str, partition: int, messages: list[Sending]) -> None:
        """Send messages of one partition in one batch, again and again until it is acknowledged."""
        while True:
            batch = producer.create_batch()
            for each in messages:
                appended = batch.append(
                    key=each.key, value=each.value, timestamp=None, headers=list(each.headers)
                )
                assert appended is not None, "a slice does not fit into a batch"
            batch.close()
            try:
                sent = await producer.send_batch(batch, self._around.topic(topic), partition=partition)
                await sent
            except KafkaError:
                await asyncio.sleep(0.5)
            else:
                return
