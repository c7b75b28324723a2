"""Reading the dead letters, and sending their originals again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.engine.fetching import use_quick_fetches
from app.engine.fold import Header
from app.engine.record_writer import RecordWriter
from app.engine.written_batch import WrittenBatch
from app.provision import Provisioner, TopicsError
from app.settings import Settings
from app.topics import DEAD_LETTERS, Surroundings, specs
from tables.dead_letters import Refusal, refusal

#: Seconds without a message after which reading gives up.
_STALLED_AFTER: Final = 60.0

#: The largest message that is sent, in bytes. It was accepted once, at most compressed.
_LARGEST: Final = 64 * 1024 * 1024

#: Messages on their way at a time.
_AT_ONCE: Final = 500


class Letter(NamedTuple):
    """A dead letter: where it is, when it was written, what was refused, and the message as it was."""

    partition: int
    offset: int
    at: datetime
    refusal: Refusal
    key: bytes | None
    value: bytes | None
    headers: list[Header]

    @property
    def place(self) -> str:
        """Return where it is, as ``--letter`` takes it."""
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant; None means any. ``topic`` is with or without the deployment's prefix."""

    reason: str | None = None
    topic: str | None = None
    letter: tuple[int, int] | None = None

    def includes(self, letter: Letter, prefix: str) -> bool:
        """Say whether a letter is meant."""
        return (
            self.reason in {None, letter.refusal.reason}
            and self.topic
            in {None, letter.refusal.place.topic, letter.refusal.place.topic.removeprefix(prefix)}
            and self.letter in {None, (letter.partition, letter.offset)}
        )


class DeadLetters:
    """The dead letters that there are now. Use as an async context manager.

    On entering it raises ``StreaklineError`` where the broker does not answer or the topic is not there.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        around = Surroundings.of(settings)
        self._topic = around.topic(DEAD_LETTERS)
        self._needed = [spec for spec in specs(around, {}) if spec.name == self._topic]
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        async with Provisioner(self._settings) as provisioner:
            problems = [each for each in await provisioner.check(self._needed) if each.problem]
        if problems:
            raise TopicsError(f"topic {problems[0].topic} {problems[0].problem}")
        use_quick_fetches()  # aiokafka's reader raises where the name of a header is no text
        self._consumer = AIOKafkaConsumer(
            **self._settings.kafka_options(),
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def read(self, wanted: Wanted) -> AsyncIterator[Letter]:
        """Yield the letters that are meant, by partition and offset, up to the end as it is now.

        Messages that streakline has not written are passed over. Raises ``TimeoutError`` when nothing comes.
        """
        consumer = self._consumer
        assert consumer is not None
        partitions = [TopicPartition(self._topic, p) for p in range(self._settings.partitions)]
        ends = await consumer.end_offsets(partitions)
        for tp in partitions:
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            while await consumer.position(tp) < ends[tp]:
                batch = await asyncio.wait_for(consumer.getmany(tp, timeout_ms=1000), _STALLED_AFTER)
                for record in batch.get(tp, ()):
                    letter = _letter(tp.partition, record) if record.offset < ends[tp] else None
                    if letter is not None and wanted.includes(letter, self._settings.topic_prefix):
                        yield letter

    async def replay(self, wanted: Wanted, on_sent: Callable[[int], None]) -> int:
        """Send the originals of the letters that are meant again, to where they were read; return how many.

        ``on_sent`` is called with how many are acknowledged. Raises ``KafkaError`` if one cannot be sent;
        those before it are sent, and may be sent again.
        """
        sent, waiting = 0, list[Any]()
        producer = AIOKafkaProducer(
            **self._settings.kafka_options(),
            enable_idempotence=True,
            compression_type="gzip",
            linger_ms=20,
            max_request_size=_LARGEST,
        )
        async with producer:
            async for letter in self.read(wanted):
                waiting.append(await _send(producer, letter))
                if len(waiting) == _AT_ONCE:
                    await asyncio.gather(*waiting)
                    sent += len(waiting)
                    waiting.clear()
                    on_sent(sent)
            await asyncio.gather(*waiting)
        return sent + len(waiting)


async def _send(producer: AIOKafkaProducer, letter: Letter) -> Any:
    """Begin to send the original of a letter; return what can be awaited."""
    topic, partition = letter.refusal.place
    try:
        return await producer.send(
            topic, letter.value, letter.key, partition=partition, headers=letter.headers
        )
    except UnicodeEncodeError:  # the name of a header is no text: aiokafka cannot write it
        writer = RecordWriter(_LARGEST)
        writer.append(letter.key, letter.value, letter.headers)
        batch = WrittenBatch.of(writer, is_transactional=False)
        return await producer.send_batch(batch, topic, partition=partition)


def _letter(partition: int, record: Any) -> Letter | None:
    try:
        refused, headers = refusal(record)
    except ValueError:
        return None
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Letter(partition, record.offset, at, refused, record.key, record.value, headers)
