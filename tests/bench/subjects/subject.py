"""What the bench asks of a program that it measures."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from app.domain.achievements import CALLER_ACHIEVEMENTS
from app.domain.published import ACHIEVEMENT_UNLOCKED, OUTPUTS
from app.domain.species import SPECIES
from app.engine.changelog import FETCH_BYTES
from app.local.files import Report
from tests.bench.expected import Expected, Total
from tests.bench.load import TOPICS, Load
from tests.bench.surroundings import PARTITIONS, Bench, Child
from tests.bench.usage import Sample

#: Returns how many events are done; what that means is the program's: committed, where it commits to Kafka.
Progress = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program: ``bench`` has the input topics of the load, ``name`` is like no other run's."""

    bench: Bench
    name: str
    load: Load
    expected: Expected
    report: Report
    #: What those fold before it that compile themselves.
    warm_up: "Run | None" = None

    @property
    def app(self) -> str:
        """Return the application id, with which the names of its own topics begin."""
        return f"{self.bench.prefix}{self.name}"

    def partitions(self, *topics: str) -> list[TopicPartition]:
        """Return all partitions of topics."""
        return [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]


class Subject(ABC):
    """A program that folds the load."""

    #: For options and logs; for tables.
    name: ClassVar[str]
    title: ClassVar[str]
    #: Of the events of the load, how many it is given: one in so many. Slow ones get fewer of the same callers.
    share: ClassVar[int] = 1
    #: Of the events of the load, how many it folds before it is measured, in the same process: one in so many, or none.
    warm_up_share: ClassVar[int | None] = None
    #: Whether it counts, so that what it counted can be compared.
    counts: ClassVar[bool] = True

    @abstractmethod
    def command(self, run: Run) -> Sequence[str]:
        """Return the command that starts it."""

    @abstractmethod
    def environment(self, run: Run) -> dict[str, str]:
        """Return its environment."""

    @abstractmethod
    def progress(self, run: Run, child: Child) -> AbstractAsyncContextManager[Progress]:
        """Return a context in which it can be asked how many events are done."""

    async def create_topics(self, run: Run) -> None:
        """Make the topics that it writes to."""
        await run.bench.create_topics_of_its_own(*self.outputs(run).values())

    async def warm_up(self, run: Run, child: Child) -> None:  # noqa: B027 - most need none
        """Return when it has folded what it warms up with."""

    def outputs(self, run: Run) -> Mapping[str, str]:
        """Return the topics to which it publishes, by what the contract calls them."""
        return {name: outputs_of(run) + name for name in OUTPUTS}

    def unlock_topic(self, run: Run) -> str:
        """Return the topic to which it publishes achievements."""
        return self.outputs(run)[ACHIEVEMENT_UNLOCKED]

    async def end(self, child: Child) -> None:
        """End it when all is done."""
        await child.terminate()

    def samples(self, child: Child, sampled: list[Sample]) -> list[Sample]:
        """Return the samples that its speed is computed from: those of the bench, or finer ones of its own."""
        return sampled

    async def totals(self, run: Run, child: Child) -> Mapping[str, Total]:
        """Return what it has counted, by caller, from what it keeps for its next start."""
        return {}


def outputs_of(run: Run) -> str:
    """Return what the output topics of a program begin with that is not streakline."""
    return f"{run.app}."


def catalog(folder: Path) -> Path:
    """Write the achievements of a caller and the species to a file that all programs read; return it."""
    file = folder / "catalog.json"
    fields = ("id", "title", "description", "icon", "category", "measure", "threshold")
    achievements = [{name: getattr(each, name) for name in fields} for each in CALLER_ACHIEVEMENTS]
    species = [
        {
            "id": each.id,
            "name": each.name,
            "rarity": each.rarity,
            "requirements": [{"measure": r.measure, "threshold": r.threshold} for r in each.requirements],
            "stages": [
                {"name": stage.name, "tokens_saved": stage.unlocks_at_tokens_saved} for stage in each.stages
            ],
        }
        for each in SPECIES
    ]
    file.write_text(json.dumps({"achievements": achievements, "species": species}), encoding="utf-8")
    return file


@asynccontextmanager
async def group_offsets(run: Run) -> AsyncIterator[Progress]:
    """Yield the sum of the offsets that a consumer group has committed for the load's topics."""
    admin = AIOKafkaAdminClient(**run.bench.settings("any").kafka_options())
    await admin.start()
    topics = {run.bench.prefix + topic for topic in TOPICS}

    async def done() -> int:
        try:
            offsets = await admin.list_consumer_group_offsets(run.app)
        except GroupCoordinatorNotAvailableError:  # of the very first group of a broker
            return 0
        return sum(max(each.offset, 0) for tp, each in offsets.items() if tp.topic in topics)

    try:
        yield done
    finally:
        await admin.close()


@asynccontextmanager
async def printed(child: Child) -> AsyncIterator[Progress]:
    """Yield what a program says of itself; see ``said``."""

    async def done() -> int:
        return samples[-1].events if (samples := said(child)) else 0

    yield done


def said(child: Child) -> list[Sample]:
    """Return what a program has printed of itself: lines ``[events, seconds, processor seconds]``."""
    return [
        Sample(seconds, events, processor)
        for line in child.output.splitlines()
        if line.startswith("[") and line.endswith("]")
        for events, seconds, processor in (json.loads(line),)
        if events
    ]


Rows = dict[tuple[str, int, bytes], bytes]


async def newest_rows(run: Run, *topics: str) -> Rows:
    """Return the newest value of each key of compacted topics, committed ones only."""
    rows: Rows = {}
    async for record in records(run, topics, {}):
        if record.value is None:
            rows.pop((record.topic, record.partition, record.key), None)
        else:
            rows[record.topic, record.partition, record.key] = record.value
    return rows


async def ends(run: Run, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """Return the offsets at which partitions end now."""
    async with _consumer(run) as consumer:
        return dict(await consumer.end_offsets(run.partitions(*topics)))


async def records(run: Run, topics: Iterable[str], since: Mapping[TopicPartition, int]) -> AsyncIterator[Any]:
    """Yield what topics hold now, from offsets on, as a read_committed reader sees it."""
    async with _consumer(run) as consumer:
        partitions = run.partitions(*topics)
        consumer.assign(partitions)
        for tp in partitions:
            consumer.seek(tp, since.get(tp, 0))
        remaining = {tp: end for tp, end in (await consumer.end_offsets(partitions)).items() if end}
        while remaining := {tp: end for tp, end in remaining.items() if await consumer.position(tp) < end}:
            for fetched in (await consumer.getmany(timeout_ms=200)).values():
                for record in fetched:
                    yield record


def _consumer(run: Run) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **run.bench.settings("any").kafka_options(),
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
