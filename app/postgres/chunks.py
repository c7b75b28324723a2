"""Writing to Kafka what was read, chunk by chunk, each in one transaction with where the reading stands."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from app.engine.takeover import take_over
from app.engine.transactions import TransactionalWriter, use_steady_producers
from app.errors import StreaklineError
from app.topics import IMPORT, INPUTS, Surroundings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from app.engine.fold import Message
    from app.settings import Settings


class ImportInterruptedError(StreaklineError):
    """The import cannot go on; what it has done stays done."""


class Chunks:
    """Writes one chunk while the next is read. After an error nothing more must be put."""

    def __init__(self, writer: TransactionalWriter) -> None:
        self._writer = writer
        self._writing: asyncio.Task[None] | None = None

    async def put(self, messages: Sequence[Message]) -> None:
        """Begin to write a chunk, once the one before is committed. Raises ``ImportInterruptedError``."""
        await self.flush()
        if messages:
            self._writing = asyncio.create_task(self._writer.write(messages))

    async def flush(self) -> None:
        """Return when all that was put is committed. Raises ``ImportInterruptedError``."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            await writing
        except ProducerFenced as error:
            raise ImportInterruptedError(
                "another import was started and has taken over: this one stops"
            ) from error
        except KafkaError as error:
            raise ImportInterruptedError(
                f"Kafka does not take the events ({type(error).__name__}): start the import again, "
                "it goes on where it stands"
            ) from error


@asynccontextmanager
async def chunks(settings: Settings) -> AsyncIterator[Chunks]:
    """Yield the only writer of imports: entering ends every older import of the deployment."""
    around, options = Surroundings.of(settings), settings.kafka_options()
    use_steady_producers()
    writer = TransactionalWriter(options, f"{around.group_id}-{IMPORT}")
    written_to = {
        TopicPartition(around.topic(IMPORT), 0),
        *(TopicPartition(around.topic(name), n) for name in INPUTS for n in range(settings.partitions)),
    }
    try:
        await take_over(options, {writer: written_to})
        yield Chunks(writer)
    finally:
        await writer.stop()
