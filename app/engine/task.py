"""A unit of ownership, like a Kafka Streams task: one partition of one stage, its state and its log."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from app.engine.fetched import Fetched
from app.engine.fold import Record, Row, Stage
from app.engine.leave import leave
from app.engine.record_writer import Entry, Target, by_table
from app.engine.rows_written import KEY as ROWS_WRITTEN
from app.engine.rows_written import RowsWritten
from app.engine.transactions import TransactionalWriter

#: Records, or rows and messages to write, of which a task that is behind makes a transaction without waiting
#: for more. A transaction costs worker and broker some milliseconds, and writes again what the one before has
#: written of busy callers.
ENOUGH = 100_000

#: The same, that may be folded ahead of the transaction in flight.
MAX_WAITING = 2 * ENOUGH

#: The same, of which a transaction is large, and waits for its turn among the large ones of the worker. So it
#: is open for as long as it takes alone, not for as long as all take together: the broker aborts what is open
#: for too long. More than a full fetch counts for: one is committed whenever a partition is taken away.
LARGE = 40_000

#: What a fetch that was cut off by its size counts for, at least: large records fill a transaction sooner.
FULL_FETCH = 30_000

#: Seconds from the beginning of a transaction to that of the next, at least. Else a trickle of events makes
#: a transaction of each, which costs worker and broker more than the events do; and where the broker has not
#: quite ended the one before, aiokafka would wait as long.
COMMIT_INTERVAL = 0.02

#: The same where transactions take long: twice what the last one took, and no more than this. Where broker or
#: processor are slow, each takes more at once then, and leaves them time for what else there is to do.
COMMIT_INTERVAL_SLOW = 0.1

#: The same while a task is behind: all is late already, and fewer transactions have it catch up sooner.
COMMIT_INTERVAL_BEHIND = 1.0

#: Seconds that a task has to finish its transaction, and then its producer to stop, when its partition is
#: revoked or the worker ends: together below the 15 s within which a worker leaves.
COMMIT_DEADLINE = 8.0
STOP_DEADLINE = 4.0


class Commit(NamedTuple):
    """A transaction that has committed, for whoever measures.

    ``seconds`` is what it took, ``oldest`` the broker's timestamp (ms) of the first record of the oldest
    fetch in it, None where there was no record.
    """

    stage: str
    seconds: float
    oldest: int | None


OnCommit = Callable[[Commit], None]


class ContinuityError(Exception):
    """Records are missing between two fetches of a partition."""


class Task:
    """Folds the fetches of its partition and commits them: rows, messages and positions in one transaction.

    While a transaction is in flight the next fetches fold; the next transaction takes all of them.
    """

    def __init__(
        self,
        stage: Stage,
        partition: int,
        writer: TransactionalWriter,
        tables: Mapping[str, str],
        on_commit: OnCommit = lambda _: None,
        *,
        turn: asyncio.Lock | None = None,
    ) -> None:
        self.stage = stage
        self.partition = partition
        self.state = stage.new_fold(partition)
        self.generation = -1
        #: Next offset to fold, by topic; ``committed`` is what the changelog says.
        self.positions: dict[str, int] = {}
        self.committed: dict[str, int] = {}
        self.writer = writer
        #: Full names of the changelogs by table.
        self.changelogs = tables
        self.rows_written = RowsWritten()
        self._on_commit = on_commit
        self._oldest: int | None = None
        #: Records that are folded and in no transaction yet.
        self._folded = 0
        self._turn = turn or asyncio.Lock()
        #: The topics of which the broker had more than it answered, and until when that is taken to hold:
        #: what is left may be nothing but aborted records, and no other fetch comes.
        self._behind: dict[str, float] = {}
        self._closed = False
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._committer: asyncio.Task[None] | None = None

    @property
    def written_to(self) -> set[TopicPartition]:
        """Return all partitions that its transactions may write to."""
        outputs = self.stage.outputs.items()
        return {
            *(TopicPartition(changelog, self.partition) for changelog in self.changelogs.values()),
            *(TopicPartition(topic, number) for topic, count in outputs for number in range(count)),
        }

    def restore(self, table: str, key: bytes, value: bytes | None) -> None:
        """Take one changelog row, a position or one of the fold's. Raises ``ValueError`` if it is none."""
        if value is not None:
            self.rows_written.found(table)
        if table != self.stage.positions_table:
            self.state.restore(table, key, value)
        elif value is None:
            raise ValueError("a position is never deleted")
        elif key == ROWS_WRITTEN:
            self.rows_written.restore(value)
        else:
            self.positions[key.decode()] = int(value)

    def restored(self) -> None:
        """Get ready to fold: every row was taken. Raises ``ValueError`` if some must be missing."""
        self.state.restored()

    def start(self, generation: int) -> None:
        """Accept fetches of ``generation`` from here on and commit what they fold."""
        self.generation = generation
        self.committed = dict(self.positions)
        self._room.set()
        self._committer = asyncio.create_task(self._commit_until_closed())

    def take(self, fetched: Fetched) -> Sequence[Record]:
        """Return the records that are not folded yet. Raises ``ContinuityError`` if some are missing."""
        position = self.positions[fetched.topic]
        if fetched.start > position:
            message = f"expected offset {position}, the fetch starts at {fetched.start}"
            raise ContinuityError(message)
        if fetched.end < position:
            message = (
                f"expected offset {position}, the partition now ends at {fetched.end}: was it made anew?"
            )
            raise ContinuityError(message)
        if fetched.start == position:
            return fetched.records
        return [record for record in fetched.records if record.offset >= position]

    def folded(self, fetched: Fetched) -> None:
        """Note that the fetch is folded, and have it committed."""
        self.positions[fetched.topic] = max(fetched.end, self.positions[fetched.topic])
        self._folded += max(len(fetched.records), FULL_FETCH if fetched.behind else 0)
        if fetched.behind:
            self._behind[fetched.topic] = time.monotonic() + 2 * COMMIT_INTERVAL_BEHIND
        else:
            self._behind.pop(fetched.topic, None)
        if self._oldest is None and fetched.records:
            self._oldest = fetched.records[0].timestamp
        if self._waiting >= MAX_WAITING:
            self._room.clear()
        self._work.set()

    @property
    def _waiting(self) -> int:
        """How much the next transaction has to do: records, or what they have it write if that is more."""
        return max(self._folded, self.state.unwritten)

    async def wait_for_room(self) -> None:
        """Block while too much is folded ahead of the log."""
        await self._room.wait()

    async def close(self) -> None:
        """Refuse further fetches, finish the transaction in flight, commit what waits, stop the producer.

        What waits of a task that is behind is left to the next owner, who folds it again: large transactions
        of all tasks may take longer than there is time. Leaves if it takes too long all the same.
        """
        self._closed = True
        self.generation = -1
        self._work.set()
        try:
            if self._committer is not None:
                await asyncio.wait_for(self._committer, COMMIT_DEADLINE)
            await asyncio.wait_for(self.writer.stop(), STOP_DEADLINE)
        except TimeoutError as exc:
            leave(f"{self} could not be closed in time", exc)
        self._room.set()

    async def _commit_until_closed(self) -> None:
        try:
            while not (self._closed and (self.positions == self.committed or self._is_large)):
                await self._work.wait()
                self._work.clear()
                if self.positions != self.committed:
                    began = time.monotonic()
                    await self._commit()
                    await self._gather(began, time.monotonic() - began)
                if self._closed:
                    self._work.set()
        except Exception as exc:  # noqa: BLE001 - fenced, timed out, refused: memory is ahead of the log
            leave(f"{self} could not commit", exc)

    async def _gather(self, began: float, took: float) -> None:
        """Pause after the transaction that began then, so that the next one takes more at once."""
        while not self._closed:
            left = began + self._interval(took) - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, COMMIT_INTERVAL))

    def _interval(self, took: float) -> float:
        """Return how long after a transaction that took so long the next one begins."""
        if max(self._behind.values(), default=0.0) > time.monotonic():
            return COMMIT_INTERVAL_BEHIND if self._waiting < ENOUGH else COMMIT_INTERVAL
        return max(COMMIT_INTERVAL, min(2 * took, COMMIT_INTERVAL_SLOW))

    @property
    def _is_large(self) -> bool:
        """Whether the next transaction waits for its turn; of a closed task it is left to the next owner."""
        return self._waiting >= LARGE

    async def _commit(self) -> None:
        if not self._is_large:
            await self._commit_at_once()
            return
        async with self._turn:
            if not self._closed:
                await self._commit_at_once()

    async def _commit_at_once(self) -> None:
        positions = dict(self.positions)
        changes = self.state.drain()
        self._folded = 0
        self._room.set()
        started, oldest, self._oldest = time.monotonic(), self._oldest, None
        await self.writer.write(changes.messages, self._rows(changes.rows, positions))
        self.committed = positions
        self._on_commit(Commit(self.stage.name, time.monotonic() - started, oldest))

    def _rows(self, rows: Sequence[Row], positions: Mapping[str, int]) -> dict[Target, list[Entry]]:
        """Return a transaction's rows by changelog: the fold's, the positions that moved, and the counts."""
        positions_table = self.stage.positions_table
        moved = [
            Row(positions_table, topic.encode(), b"%d" % offset)
            for topic, offset in positions.items()
            if offset != self.committed.get(topic)
        ]
        tables = by_table([*rows, *moved])
        self.rows_written.count(tables)
        tables.setdefault(positions_table, []).append(self.rows_written.row(positions_table))
        return {(self.changelogs[table], self.partition): each for table, each in tables.items()}

    def __str__(self) -> str:
        return f"{self.stage.name}[{self.partition}]"
