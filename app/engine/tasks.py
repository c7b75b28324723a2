"""The tasks that this worker owns: opened when partitions are assigned, closed when they are revoked."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiokafka import TopicPartition

from app.engine.changelog import ChangelogError, ChangelogReader
from app.engine.fetched import Fetched
from app.engine.fold import Stage
from app.engine.leave import leave
from app.engine.takeover import take_over
from app.engine.task import OnCommit, Task
from app.engine.transactions import TransactionalWriter

logger = logging.getLogger(__name__)

#: Seconds that the broker has to end the transactions of the owner before, and that it still has when the
#: partitions are taken away meanwhile: below the 15 s within which a worker leaves.
FENCE_DEADLINE = 60.0
GIVE_UP_DEADLINE = 8.0

#: Seconds between two lines of progress while restoring.
PROGRESS_EVERY = 2.0


class AssignmentError(Exception):
    """The group gave this worker a part of a task only."""


class SourceError(Exception):
    """A topic that was folded is not the one that it was."""


class Tasks:
    """Opens, finds and closes tasks. ``open`` and ``close`` never run at the same time; see ``recovery``."""

    def __init__(
        self,
        app_id: str,
        stages: Sequence[Stage],
        kafka_options: dict[str, Any],
        changelog: Callable[[str], str],
    ) -> None:
        self._app_id = app_id
        self._stages = stages
        self._kafka_options = kafka_options
        self._changelog = changelog
        self._owned: dict[tuple[str, int], Task] = {}
        self._closing = asyncio.Lock()
        #: Held by the task whose transaction is large: see ``task``.
        self._turn = asyncio.Lock()
        #: Called after every transaction; whoever measures replaces it before anything is opened.
        self.on_commit: OnCommit = lambda _: None
        #: Offsets that a running restore still has to read; 0 when there is none.
        self.restore_remaining = 0

    def owner_of(self, fetched: Fetched) -> Task | None:
        """Return the open task of a fetch, None if the fetch was overtaken by a rebalance."""
        task = self._owned.get((fetched.topic, fetched.partition))
        return task if task is not None and task.generation == fetched.generation else None

    @property
    def any_open(self) -> bool:
        """Whether anything is owned."""
        return bool(self._owned)

    def positions(self) -> dict[TopicPartition, int]:
        """Return the next offset to fold of every source partition that is owned."""
        return {TopicPartition(topic, p): task.positions[topic] for (topic, p), task in self._owned.items()}

    def committed(self) -> dict[TopicPartition, int]:
        """Return the offsets that transactions have committed, for lag monitors."""
        return {TopicPartition(topic, p): task.committed[topic] for (topic, p), task in self._owned.items()}

    async def open(self, assigned: Iterable[TopicPartition], generation: int) -> None:
        """Fence, restore and start a task for every assigned partition of every stage.

        Fencing is never cancelled half-way: a request that is on its way would fence the next owner. A
        cancelled ``open`` returns when all its producers are stopped. Leaves if fencing takes too long.
        """
        tasks = self._new_tasks({(tp.topic, tp.partition) for tp in assigned})
        logger.info("taking over %d tasks", len(tasks))
        taking_over = take_over(self._kafka_options, {task.writer: task.written_to for task in tasks})
        fencing = asyncio.create_task(taking_over)
        try:
            await _wait_for(fencing, FENCE_DEADLINE)
            fencing.result()
            await self._restore(tasks)
        except BaseException:
            await _wait_for(fencing, GIVE_UP_DEADLINE)
            await asyncio.gather(*(task.close() for task in tasks))
            raise
        for task in tasks:
            task.start(generation)
        # Replaced, never changed: the watchdog reads it from a thread of its own.
        self._owned = self._owned | {
            (topic, task.partition): task for task in tasks for topic in task.stage.topics
        }

    async def close(self) -> None:
        """Finish the transactions of all tasks, stop their producers and forget them."""
        async with self._closing:
            tasks = set(self._owned.values())
            self._owned = {}
            await asyncio.gather(*(task.close() for task in tasks))

    def _new_tasks(self, assigned: set[tuple[str, int]]) -> list[Task]:
        tasks = []
        for stage in self._stages:
            for partition in range(stage.partitions):
                own = {topic for topic in stage.topics if (topic, partition) in assigned}
                if own and own != stage.topics:
                    missing = ", ".join(sorted(stage.topics - own))
                    message = (
                        f"partition {partition} of {missing} is assigned to another worker than its siblings"
                    )
                    raise AssignmentError(message)
                if own:
                    tasks.append(self._new_task(stage, partition))
        return tasks

    def _new_task(self, stage: Stage, partition: int) -> Task:
        writer = TransactionalWriter(self._kafka_options, f"{self._app_id}-{stage.name}-{partition}")
        tables = {table: self._changelog(table) for table in stage.tables}
        return Task(stage, partition, writer, tables, self.on_commit, turn=self._turn)

    async def _restore(self, tasks: Sequence[Task]) -> None:
        """Read the changelogs of all tasks to their end, then complete the positions of topics never read."""
        if not tasks:
            return
        targets = {
            (self._changelog(table), task.partition): (task, table)
            for task in tasks
            for table in task.stage.restored
        }
        rows = 0

        def on_row(topic: str, partition: int, key: bytes, value: bytes | None) -> None:
            nonlocal rows
            rows += 1
            task, table = targets[topic, partition]
            try:
                task.restore(table, key, value)
            except ValueError as exc:
                problem = f"holds a row that cannot be read, key {key!r}: {exc}"
                raise ChangelogError(topic, partition, problem) from exc

        started = reported = time.monotonic()

        def on_progress(remaining: int) -> None:
            nonlocal reported
            self.restore_remaining = remaining
            if remaining and time.monotonic() - reported > PROGRESS_EVERY:
                reported = time.monotonic()
                logger.info("restoring: %d rows read, %d offsets to go", rows, remaining)

        try:
            async with (
                ChangelogReader(self._kafka_options, "read_uncommitted") as everything,
                ChangelogReader(self._kafka_options) as reader,
            ):
                changelogs = [TopicPartition(*target) for target in targets]
                # To where they end for all: no transaction is open, and one that seemed so would hide rows.
                ends = await everything.ends(changelogs)
                await reader.read_to_end(changelogs, on_row, on_progress, ends)
                # Not asked where rows are fetched: the answer would wait for the next fetch.
                await _require_all_rows(tasks, everything)
                await self._complete_positions(tasks, everything)
        finally:
            self.restore_remaining = 0
        logger.info("restored %d rows of %d tasks in %.1f s", rows, len(tasks), time.monotonic() - started)

    async def _complete_positions(self, tasks: Sequence[Task], reader: ChangelogReader) -> None:
        """Begin at the oldest offset where nothing was folded yet; say where retention overtook the fold."""
        sources = [TopicPartition(topic, task.partition) for task in tasks for topic in task.stage.topics]
        beginnings, ends = await reader.beginnings(sources), await reader.ends(sources)
        for task in tasks:
            for topic in task.stage.topics:
                first = beginnings[TopicPartition(topic, task.partition)]
                position = task.positions.setdefault(topic, first)
                if position > ends[TopicPartition(topic, task.partition)]:
                    end = ends[TopicPartition(topic, task.partition)]
                    message = (
                        f"{topic}[{task.partition}] was folded up to {position} but ends at {end}: made anew?"
                    )
                    raise SourceError(message)
                if position < first:  # nobody can say any more what was there: records or markers alone
                    logger.error(
                        "%s[%d]: offsets %d to %d were deleted by retention before they were folded: records "
                        "are lost, unless only transaction markers or aborted records were there",
                        *(topic, task.partition, position, first - 1),
                    )
                    task.positions[topic] = first

    def __str__(self) -> str:
        """Say what is owned, as ``callers 0 2 5, gateway 0``."""
        owned = sorted({(task.stage.name, task.partition) for task in self._owned.values()})
        stages = {
            stage: " ".join(str(number) for name, number in owned if name == stage) for stage, _ in owned
        }
        return ", ".join(f"{stage} {numbers}" for stage, numbers in stages.items()) or "nothing assigned"


async def _require_all_rows(tasks: Sequence[Task], reader: ChangelogReader) -> None:
    """Raise ``ChangelogError`` where a changelog lacks rows that were written to it."""
    changelogs = [
        TopicPartition(topic, task.partition) for task in tasks for topic in task.changelogs.values()
    ]
    beginnings, ends = await reader.beginnings(changelogs), await reader.ends(changelogs)
    for task in tasks:
        for table, topic in task.changelogs.items():
            changelog = TopicPartition(topic, task.partition)
            problem = task.rows_written.problem(
                table,
                beginnings[changelog],
                ends[changelog],
                read=table in task.stage.restored,
                known=bool(task.positions),
            )
            if problem:
                raise ChangelogError(topic, task.partition, problem)
        try:
            task.restored()
        except ValueError as exc:
            name = f"the changelogs of {task.stage.name}"
            raise ChangelogError(name, task.partition, f"are not complete: {exc}") from exc


async def _wait_for(fencing: "asyncio.Task[None]", seconds: float) -> None:
    _, late = await asyncio.wait([fencing], timeout=seconds)
    if late:
        leave(f"the broker has not ended the transactions of the owner before in {seconds:.0f} s")
