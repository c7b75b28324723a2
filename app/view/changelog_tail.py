"""Following the changelogs for ever: from their beginning into memory, and then whatever is committed."""

import asyncio
import gc
import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.settings import Settings
from app.topics import Surroundings
from app.view.freshness import Freshness
from app.view.scope_rows import GATEWAY_TABLES
from app.view.state import TABLES, ViewState
from app.view.together import together
from tables.codec import UnreadableRowError

logger = logging.getLogger(__name__)

#: Seconds within which everything that is committed must have been read, for the view to be ready.
FRESH_WITHIN: Final = 10.0

#: Seconds between two questions where the changelogs end, and for an answer.
ASK_EVERY: Final = 1.0
ANSWER_WITHIN: Final = 5.0

#: Seconds without a row, though the broker says that there are some, after which all is read anew.
STALLED_AFTER: Final = 60.0

#: Rows that are taken in one go: what a request waits for them is a millisecond. Before anything is answered
#: nobody waits.
ROWS_AT_ONCE: Final = 500
ROWS_AT_ONCE_AT_FIRST: Final = 10_000
FETCH_BYTES: Final = 1024 * 1024

#: Milliseconds between two attempts to reach a broker that is away.
RETRY_BACKOFF_MS: Final = 250

_RETRY_AFTER: Final = 2.0
_PROGRESS_EVERY: Final = 2.0


class StalledError(Exception):
    """The broker has rows that it does not send."""


class ChangelogTail:
    """Keeps a ``ViewState`` up to date. A broker that goes away is waited for.

    Should the consumer fail altogether, all is read anew, and what was known is answered with meanwhile.
    """

    def __init__(self, settings: Settings, new_state: Callable[[], ViewState]) -> None:
        self._options = settings.kafka_options()
        self._new_state = new_state
        around, count = Surroundings.of(settings), settings.partitions
        self._table_of = {around.changelog(table): table for table in TABLES}
        self._partitions = [
            TopicPartition(topic, number)
            for topic, table in self._table_of.items()
            for number in range(1 if table in GATEWAY_TABLES else count)
        ]
        self._freshness = Freshness(FRESH_WITHIN)
        self._started = time.monotonic()
        self._rows = 0
        self._answered = -math.inf
        self._was_fresh = True
        #: What answers are made of; None until the changelogs were read to their end.
        self.state: ViewState | None = None
        #: Where each partition is read up to, and where it ended when the broker was asked.
        self.positions: dict[TopicPartition, int] = {}
        self.ends: dict[TopicPartition, int] = {}

    @property
    def is_ready(self) -> bool:
        """Whether answers are complete, give or take a few seconds."""
        return self.state is not None and self._freshness.is_fresh(time.monotonic())

    @property
    def callers(self) -> int:
        """Return how many callers are known."""
        return self.state.callers if self.state is not None else 0

    @property
    def remaining(self) -> int:
        """Return how many offsets are still to be read, as far as is known."""
        return self._freshness.remaining

    async def run(self) -> None:
        """Follow until cancelled. Raises ``UnreadableRowError`` for what this release cannot read."""
        while True:
            self._freshness, self._rows = Freshness(FRESH_WITHIN), 0
            self._started = time.monotonic()
            try:
                await self._follow(self._new_state())
            except (KafkaError, StalledError, TimeoutError, OSError) as exc:
                logger.warning("the changelogs are read anew: %s: %s", type(exc).__name__, exc)
            await asyncio.sleep(_RETRY_AFTER)

    async def _follow(self, state: ViewState) -> None:
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="none",  # rows that are gone must be seen, not jumped over
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )
        await consumer.start()
        try:
            consumer.assign(self._partitions)
            await consumer.seek_to_beginning(*self._partitions)
            await together(self._read(consumer, state), self._look_after(consumer, state))
        finally:
            await consumer.stop()

    async def _read(self, consumer: Any, state: ViewState) -> None:
        table_of, put = self._table_of, state.put
        while True:
            most = ROWS_AT_ONCE if self.state is not None else ROWS_AT_ONCE_AT_FIRST
            fetched = await consumer.getmany(timeout_ms=200, max_records=most)
            for tp, records in fetched.items():
                table, number = table_of[tp.topic], tp.partition
                for record in records:
                    if record.key is None:
                        raise UnreadableRowError(f"{table} has a row without a key")
                    put(table, number, record.key, record.value)
                self._rows += len(records)
            await asyncio.sleep(0)

    async def _look_after(self, consumer: Any, state: ViewState) -> None:
        asked = reported = moved = time.monotonic() - ASK_EVERY
        while True:
            now = time.monotonic()
            if now - asked >= ASK_EVERY:
                asked = now
                await self._ask(consumer, now)
            before = self.positions
            self.positions = {tp: await consumer.position(tp) for tp in self._partitions}
            self._freshness.reached(self.positions)
            if self.positions != before or not self.remaining:
                moved = now
            elif now - moved > STALLED_AFTER and now - self._answered < ANSWER_WITHIN:
                raise StalledError(f"no row came for {STALLED_AFTER:.0f} s, {self.remaining} offsets to go")
            if self.state is not state and self._freshness.was_complete:
                self._publish(state)
            self._say_whether_fresh(now)
            if self.state is not state and now - reported > _PROGRESS_EVERY:
                reported = now
                logger.info("reading: %d rows, %d offsets to go", self._rows, self.remaining)
            await asyncio.sleep(0.1)

    def _say_whether_fresh(self, now: float) -> None:
        """Log when it becomes stale and when it is fresh again; of the rest the readiness tells."""
        fresh = self.is_ready
        if fresh == self._was_fresh or self.state is None:
            return
        self._was_fresh = fresh
        if fresh:
            logger.info("everything is read again")
        elif now - self._answered > ANSWER_WITHIN:
            logger.warning("not ready: the broker does not answer; what is known is answered meanwhile")
        else:
            logger.warning(
                "not ready: %d offsets behind; what is known is answered meanwhile", self.remaining
            )

    async def _ask(self, consumer: Any, now: float) -> None:
        """Ask where the changelogs end; without an answer nothing is known, and soon nothing is fresh."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                self.ends = dict(await consumer.end_offsets(self._partitions))
        except (KafkaError, TimeoutError):
            return
        self._answered = time.monotonic()
        self._freshness.asked(now, self.ends)

    def _publish(self, state: ViewState) -> None:
        self.state = state
        gc.unfreeze()  # the state before, if everything was read anew
        gc.collect()
        gc.freeze()  # what was read stays: no collection need look at it again
        seconds = time.monotonic() - self._started
        logger.info("ready: %d rows of %d callers in %.1f s", self._rows, state.callers, seconds)
