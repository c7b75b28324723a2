"""Following what happens: the output topics for the stream, the gateway's requests for the feed.

Neither is state. Both begin a bounded number of records before the end; what is missed while the broker is
away is read when it is back.
"""

import asyncio
import logging
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.domain.cloud_events import body_of
from app.domain.events import FUTURE_LIMIT, BadMessage, RequestRouted
from app.domain.events import decode as decode_event
from app.domain.published import OUTPUTS, Published
from app.settings import Settings
from app.topics import Surroundings
from app.view.changelog_tail import RETRY_BACKOFF_MS
from app.view.messages import decode
from app.view.recent import Recent
from app.view.stream import Stream, Told, told
from app.view.together import together

logger = logging.getLogger(__name__)

REQUESTS: Final = "gateway.requests"

#: How many records before the end of a partition reading begins.
MESSAGES_BACK: Final = 300
REQUESTS_BACK: Final = 5_000

RECORDS_AT_ONCE: Final = 500
_ASK_EVERY: Final = 1.0
_ANSWER_WITHIN: Final = 5.0
_RETRY_AFTER: Final = 2.0


class LiveTail:
    """Tells the stream what is published, and the feed what was requested, until cancelled."""

    def __init__(self, settings: Settings, stream: Stream, recent: Recent) -> None:
        self._options = settings.kafka_options()
        self._stream = stream
        self._recent = recent
        around, numbers = Surroundings.of(settings), range(settings.partitions)
        self._output_of = {around.output_topic(output): output for output in OUTPUTS}
        self._outputs = [TopicPartition(topic, number) for topic in self._output_of for number in numbers]
        self._requests = [TopicPartition(around.topic(REQUESTS), number) for number in numbers]

    async def run(self) -> None:
        """Follow for ever; a consumer that fails is made anew."""
        while True:
            try:
                await self._follow()
            except (KafkaError, TimeoutError, OSError) as exc:
                logger.warning("outputs and requests are followed anew: %s: %s", type(exc).__name__, exc)
            await asyncio.sleep(_RETRY_AFTER)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )
        await consumer.start()
        try:
            consumer.assign([*self._outputs, *self._requests])
            await self._remember(consumer)
            await _go_back(consumer, self._requests, REQUESTS_BACK)
            await together(self._read(consumer), self._keep_up(consumer))
        finally:
            await consumer.stop()

    async def _remember(self, consumer: Any) -> None:
        """Read the newest messages for listeners that come back; those of all partitions in one order."""
        consumer.pause(*self._requests)
        ends = await _go_back(consumer, self._outputs, MESSAGES_BACK)
        found: list[tuple[Published, Told]] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                found += [each for record in records if (each := self._message(tp, record))]
        found.sort(key=lambda each: (each[0].recorded_at, each[1].id))
        self._stream.remember(message for _, message in found)
        consumer.resume(*self._requests)

    async def _read(self, consumer: Any) -> None:
        while True:
            fetched = await consumer.getmany(timeout_ms=200, max_records=RECORDS_AT_ONCE)
            for tp, records in fetched.items():
                for record in records:
                    if tp.topic not in self._output_of:
                        self._take_request(record)
                    elif (each := self._message(tp, record)) is not None:
                        self._stream.tell(each[1])
            await asyncio.sleep(0)

    async def _keep_up(self, consumer: Any) -> None:
        """Skip requests where they come faster than the feed can take them: it shows the newest anyway."""
        while True:
            await asyncio.sleep(_ASK_EVERY)
            try:
                async with asyncio.timeout(_ANSWER_WITHIN):
                    ends = await consumer.end_offsets(self._requests)
            except (KafkaError, TimeoutError):
                continue
            for tp, end in ends.items():
                if await consumer.position(tp) < end - REQUESTS_BACK:
                    consumer.seek(tp, end - REQUESTS_BACK)

    def _message(self, tp: TopicPartition, record: Any) -> tuple[Published, Told] | None:
        output = self._output_of[tp.topic]
        try:
            message = decode(output, record.value or b"")
        except msgspec.DecodeError:
            where = f"{tp.topic}[{tp.partition}] at {record.offset}"
            logger.warning("%s is no message of streakline and is left out", where)
            return None
        return message, told(output, record.value, message)

    def _take_request(self, record: Any) -> None:
        """Take a request as the fold would; what it refuses is left out here too."""
        try:
            value, ce_id = body_of(record.value, record.headers) if record.headers else (record.value, None)
            event, at, _ = decode_event(RequestRouted, value, record.timestamp + FUTURE_LIMIT, ce_id)
        except BadMessage:
            return
        self._recent.put(event, at)


async def _go_back(consumer: Any, partitions: list[TopicPartition], count: int) -> dict[TopicPartition, int]:
    """Seek ``count`` records before the end of each partition; return the ends."""
    beginnings = await consumer.beginning_offsets(partitions)
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    for tp, end in ends.items():
        consumer.seek(tp, max(beginnings[tp], end - count))
    return ends
