"""The seam where Faust reads: whole fetches instead of one message at a time, and our own positions."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from app.engine.fetched import Fetched
from app.engine.leave import leave

if TYPE_CHECKING:
    from app.engine.app import App

logger = logging.getLogger(__name__)

#: Bytes that a broker answers at once, over all partitions; some times as much is in memory while it is read.
ANSWER_BYTES = 16 * 1024 * 1024

#: Seconds to ask what a partition still holds, before leaving without it.
ASK_WITHIN = 5.0


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread; says of every fetch where it begins and ends."""

    logger = logging.getLogger("faust")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next: dict[TopicPartition, int] = {}

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # What other tasks forward is written in transactions, and an aborted one has never happened.
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_bytes = ANSWER_BYTES
        return consumer

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            drained = await super()._fetch_records(consumer, *args, **kwargs)
        except NoOffsetForPartitionError:
            return {}  # Just assigned, and unknown to the group: the position of its task is sought soon.
        except OffsetOutOfRangeError as exc:
            await _leave_overtaken(consumer, exc.args[0])
        except KafkaError as exc:
            leave("the sources could not be read", exc)
        if not drained:
            return {}
        generation = self.app.consumer_generation_id
        assignment = consumer._fetcher._subscriptions.subscription.assignment
        fetches: dict[TopicPartition, Fetched] = {}
        for tp, records in drained.items():
            state = assignment.state_value(tp)
            end = state.position
            start = self._next.get(tp, records[0].offset)
            self._next[tp] = end
            behind = end < state.lso
            fetches[tp] = Fetched(tp.topic, tp.partition, start, end, generation, records, behind)
        return fetches

    async def _seek_wait(self, consumer: Any, partitions: Mapping[Any, int]) -> None:
        await super()._seek_wait(consumer, partitions)
        self._next = {TopicPartition(*tp): offset for tp, offset in partitions.items()}

    def lost_membership(self) -> bool:
        """Whether the group went on without this worker: it was away for longer than the session."""
        return bool(self._ensure_consumer()._coordinator.generation == driver.DEFAULT_GENERATION_ID)

    async def commit_for_monitors(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit to the consumer group. Only lag monitors read it, so a failure is a line in the log.

        Leaves if the group does not take this worker for a reason that stays, as a missing permission:
        aiokafka keeps such an error, and does nothing more, until somebody asks; Faust never does.
        """
        consumer = self._ensure_consumer()
        try:
            consumer._coordinator.check_errors()
        except Exception as exc:  # noqa: BLE001 - whatever it is, nobody coordinates any more
            leave("the group does not take this worker", exc)
        assigned = consumer.assignment()
        commits = {tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned}
        try:
            if commits:
                await consumer.commit(commits)
        except KafkaError as exc:
            logger.warning(
                "the group's offsets could not be committed (only lag monitors read them): %s", exc
            )


async def _leave_overtaken(consumer: Any, positions: Mapping[TopicPartition, int]) -> NoReturn:
    """Leave where the next record is gone; the next start logs what was lost and goes on behind it."""
    [(tp, position)] = positions.items()
    held = ""
    try:
        async with asyncio.timeout(ASK_WITHIN):
            first, end = await consumer.beginning_offsets([tp]), await consumer.end_offsets([tp])
            held = f" (it holds {first[tp]} to {end[tp] - 1})"
    except (KafkaError, TimeoutError) as exc:
        logger.warning("what %s[%d] holds could not be asked: %s", tp.topic, tp.partition, exc)
    leave(
        f"{tp.topic}[{tp.partition}] does not hold offset {position} any more{held}: "
        "retention overtook this worker, or the topic was made anew"
    )


class Consumer(driver.Consumer):
    """Faust's consumer, with fetches for messages and the tasks' positions for committed offsets."""

    app: "App"
    logger = logging.getLogger("faust")

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yield one message per partition whose value is the fetch (``Fetched``).

        A fetch that a rebalance overtakes is dropped: every resume seeks to the tasks' positions.
        """
        fetches, active = await self._wait_next_records(timeout)
        if not fetches or self.should_stop:
            return
        for tp, fetched in cast("dict[TP, Fetched]", fetches).items():
            if not self.flow_active or fetched.generation != self.app.consumer_generation_id:
                break
            if active is None or tp in active or tp in self._buffered_partitions:
                yield tp, self._fetch_message(tp, fetched)

    def _fetch_message(self, tp: TP, fetched: Fetched) -> ConsumerMessage:
        last = fetched.records[-1]
        return ConsumerMessage(
            fetched.topic,
            fetched.partition,
            last.offset,
            last.timestamp / 1000.0,
            0,
            None,
            None,
            cast("bytes", fetched),
            None,
            0,
            0,
            tp,
            generation_id=fetched.generation,
        )

    async def perform_seek(self) -> None:
        """Seek to the positions of the changelogs; what the group has committed is never read back."""
        positions = cast("dict[TP, int]", self.app.tasks.positions())
        if positions:
            await self.seek_wait(positions)
            self._committed_offset.update(positions)

    async def commit(self, *_: Any, **__: Any) -> bool:
        """Tell the group what the tasks have committed, so that lag monitors see it. Called at intervals."""
        thread = cast("ConsumerThread", self._thread)
        await thread.call_thread(thread.commit_for_monitors, self.app.tasks.committed())
        return True

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: Faust would judge by acks, which it does not get, and call an idle topic stuck."""

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Close all tasks before the group goes on; leave if it already did: they have other owners."""
        if self.app.tasks.any_open and cast("ConsumerThread", self._thread).lost_membership():
            leave("the group went on without this worker, its partitions have other owners")
        await self.app.recovery.give_up()
        await super().on_partitions_revoked(revoked)


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = Consumer
