"""When a task begins its next transaction: at once, after a short pause, or after a long one while it is behind."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from app.engine import task as module
from app.engine.fetched import Fetched
from app.engine.fold import Changes, Row, Stage
from app.engine.task import (
    COMMIT_INTERVAL,
    COMMIT_INTERVAL_SLOW,
    ENOUGH,
    FULL_FETCH,
    LARGE,
    MAX_WAITING,
    Commit,
    Task,
)
from app.engine.transactions import TransactionalWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from app.local.broker import Broker

TOPIC, OTHER, ROWS, POSITIONS = "numbers", "others", "rows", "positions"
PATIENCE = 30.0

#: Seconds in which a task that does not pause would have begun a transaction.
AWHILE = 0.5


class Folded:
    """A fold that has one row to write, always."""

    #: What it says of how much it has to write.
    unwritten = 1

    def restore(self, table: str, key: bytes, value: bytes | None) -> None:
        """Take nothing."""

    def restored(self) -> None:
        """Do nothing."""

    def drain(self) -> Changes:
        """Return the row."""
        return Changes([Row(ROWS, b"key", b"value")])


STAGE = Stage("pace", 1, frozenset({TOPIC, OTHER}), (ROWS, POSITIONS), (), lambda _: Folded(), POSITIONS)


def records(count: int) -> Sequence[Any]:
    """Return records as they are fetched."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
    for number in range(count):
        builder.append(number, timestamp=1, key=None, value=b"", headers=[])
    return list(DefaultRecordBatch(bytes(builder.build())))


class Pace:
    """A task on a broker, and what has become of it."""

    task: Task

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self._news = asyncio.Event()

    def noted(self, commit: Commit) -> None:
        """Note a transaction."""
        self.commits.append(commit)
        self._news.set()

    def fold(self, count: int, topic: str = TOPIC, *, behind: bool) -> None:
        """Fold a fetch."""
        start = self.task.positions[topic]
        fetched = Fetched(topic, 0, start, start + count, 1, records(count), behind)
        assert self.task.take(fetched)
        self.task.folded(fetched)

    async def committed(self, count: int, topic: str = TOPIC) -> None:
        """Wait until so many records of a topic are committed."""
        async with asyncio.timeout(PATIENCE):
            while self.task.committed[topic] < count:
                self._news.clear()
                await self._news.wait()


@pytest_asyncio.fixture
async def pace(broker: Broker) -> AsyncIterator[Pace]:
    """Yield a task that folds."""
    prefix = secrets.token_hex(4)
    names = {table: f"{prefix}-{table}" for table in STAGE.tables}
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1) for name in names.values()])
    await admin.close()
    writer = TransactionalWriter({"bootstrap_servers": broker.address}, prefix)
    pace = Pace()
    pace.task = task = Task(STAGE, 0, writer, names, pace.noted)
    await writer.fence()
    task.positions = {TOPIC: 0, OTHER: 0}
    task.start(1)
    yield pace
    await task.close()


@pytest.fixture(autouse=True)
def _long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a task that is behind pause for ever, so that nothing here hangs on how quick a machine is."""
    monkeypatch.setattr(module, "COMMIT_INTERVAL_BEHIND", 3600.0)


async def test_a_task_that_is_not_behind_commits_soon(pace: Pace) -> None:
    """Fetches that took all that there was are committed without a long pause, one after the other."""
    for number in range(1, 6):
        pace.fold(1, behind=False)
        await pace.committed(number)
    assert len(pace.commits) == 5


async def test_slow_transactions_are_fewer(pace: Pace) -> None:
    """The next one begins twice as long after the last as that took: never at once, and not after an outage's time."""
    assert pace.task._interval(0.0) == COMMIT_INTERVAL
    assert pace.task._interval(0.03) == 0.06
    assert pace.task._interval(8.0) == COMMIT_INTERVAL_SLOW


async def test_a_task_that_is_behind_has_a_pace_of_its_own(pace: Pace) -> None:
    """However long its transactions take, it waits until enough is there, and then no longer."""
    pace.fold(1, behind=True)
    assert pace.task._interval(8.0) == module.COMMIT_INTERVAL_BEHIND
    while pace.task._waiting < ENOUGH:
        pace.fold(FULL_FETCH, behind=True)
    assert pace.task._interval(8.0) == COMMIT_INTERVAL


async def test_a_task_that_is_behind_gathers_until_it_has_caught_up(pace: Pace) -> None:
    """After its first transaction it waits for more, until a fetch has taken all that there was."""
    pace.fold(1, behind=True)
    await pace.committed(1)
    pace.fold(1, behind=True)
    pace.fold(1, OTHER, behind=False)
    await asyncio.sleep(AWHILE)
    assert len(pace.commits) == 1  # the first topic is still behind
    pace.fold(1, behind=False)
    await pace.committed(3)
    assert len(pace.commits) == 2
    assert pace.task.committed == {TOPIC: 3, OTHER: 1}


@pytest.mark.parametrize("count", [1, FULL_FETCH + 1000])
async def test_it_gathers_so_much_and_not_more(pace: Pace, count: int) -> None:
    """What is enough is committed; full fetches of few large records count for many."""
    enough = -(-ENOUGH // max(count, FULL_FETCH))
    pace.fold(1, behind=True)
    await pace.committed(1)
    for _ in range(enough - 1):
        pace.fold(count, behind=True)
    await asyncio.sleep(AWHILE)
    assert len(pace.commits) == 1
    pace.fold(count, behind=True)
    await pace.committed(1 + enough * count)
    assert len(pace.commits) == 2


async def test_large_transactions_take_turns(pace: Pace) -> None:
    """One that is large waits for another large one of the worker; one that is small does not."""
    turn = pace.task._turn
    async with turn:
        pace.fold(1, behind=False)
        await pace.committed(1)
        pace.fold(LARGE, behind=False)
        await asyncio.sleep(AWHILE)
        assert len(pace.commits) == 1
    await pace.committed(1 + LARGE)
    assert not turn.locked()


async def test_what_is_large_is_left_to_the_next_owner(pace: Pace) -> None:
    """When the turn comes of a task that was closed meanwhile, it commits nothing of what waits."""
    async with pace.task._turn:
        pace.fold(1, behind=False)
        await pace.committed(1)
        pace.fold(LARGE, behind=False)
        closing = asyncio.create_task(pace.task.close())
        await asyncio.sleep(AWHILE)
    await closing
    assert (len(pace.commits), pace.task.committed[TOPIC]) == (1, 1)


async def test_what_is_small_is_committed_when_a_task_is_closed(pace: Pace) -> None:
    """A task that keeps up leaves nothing behind, even in the middle of its pause."""
    pace.fold(1, behind=False)
    await pace.committed(1)
    pace.fold(1, behind=False)
    await pace.task.close()
    assert pace.task.committed[TOPIC] == 2


async def test_few_records_may_be_much_to_write(pace: Pace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each record has many rows and messages written, it is these that count."""
    pace.fold(1, behind=True)
    await pace.committed(1)
    monkeypatch.setattr(Folded, "unwritten", MAX_WAITING)
    pace.fold(1, behind=True)
    assert not pace.task._room.is_set()
    monkeypatch.setattr(Folded, "unwritten", ENOUGH)
    await pace.committed(2)


async def test_there_is_room_again_when_what_waited_is_being_committed(pace: Pace) -> None:
    """Folding too much ahead of a transaction blocks until the next one takes it."""
    while pace.task._waiting < MAX_WAITING:
        pace.fold(FULL_FETCH, behind=True)
    assert not pace.task._room.is_set()
    async with asyncio.timeout(PATIENCE):
        await pace.task.wait_for_room()


async def test_it_is_behind_no_longer_than_fetches_come(pace: Pace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of a partition may be aborted, so that no fetch comes: other topics do not wait for it."""
    monkeypatch.setattr(module, "COMMIT_INTERVAL_BEHIND", 0.2)
    pace.fold(1, behind=True)
    await pace.committed(1)
    await asyncio.sleep(AWHILE)
    monkeypatch.setattr(module, "COMMIT_INTERVAL_BEHIND", 3600.0)
    for number in range(1, 4):
        pace.fold(1, OTHER, behind=False)
        await pace.committed(number, OTHER)


async def test_closing_waits_for_no_pause(pace: Pace) -> None:
    """What a task has gathered is committed when its partition is taken away, at once."""
    pace.fold(1, behind=True)
    await pace.committed(1)
    pace.fold(1, behind=True)
    await pace.task.close()
    assert pace.task.committed == {TOPIC: 2, OTHER: 0}
