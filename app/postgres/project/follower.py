"""Following the changelogs, from the offsets on that the tables have reached."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from app.engine.changelog import FETCH_BYTES
from app.postgres.project.batch import Place, Reached
from app.postgres.project.errors import ProjectionError
from app.provision import Provisioner, TopicsError
from app.settings import Settings
from app.topics import Surroundings, specs

#: Records that are handed over at once, so that neither stopping nor writing waits long for its turn.
AT_ONCE: Final = 20_000

#: Seconds without an answer after which the broker counts as away.
_AWAY_AFTER: Final = 30.0

#: By how much the clocks of workers and brokers may differ, in ms. What lies below an offset that was
#: reached is not newer than what was read up to there; the marker that ends a transaction may be, by no
#: more than this.
CLOCKS_DIFFER: Final = int(timedelta(minutes=5).total_seconds() * 1000)


class Follower:
    """A consumer without a group that sees committed rows only. Use as an async context manager.

    Raises ``StreaklineError`` on entering if the broker does not answer or a changelog is not as it must be.
    """

    def __init__(self, settings: Settings, places: Sequence[Place]) -> None:
        self._settings = settings
        self._around = Surroundings.of(settings)
        self._partitions = {
            place: TopicPartition(self._around.changelog(place.table), place.partition) for place in places
        }
        self._place_of = {tp: place for place, tp in self._partitions.items()}
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        await self._require_topics()
        self._consumer = AIOKafkaConsumer(
            **self._settings.kafka_options(),
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="none",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def begin(self, reached: Mapping[Place, Reached]) -> None:
        """Read on from where the tables are. Raises ``ProjectionError`` where that does not fit."""
        consumer, partitions = self._consumer, self._partitions
        consumer.assign(list(partitions.values()))
        beginnings = await consumer.beginning_offsets(list(partitions.values()))
        ends = await consumer.end_offsets(list(partitions.values()))
        later = await consumer.offsets_for_times(
            {partitions[place]: at.newest + CLOCKS_DIFFER for place, at in reached.items() if at.newest}
        )
        for place, tp in partitions.items():
            offset, newer = reached[place].next_offset, later.get(tp)
            if offset > ends[tp] or (newer is not None and newer.offset < offset):
                raise _misfit(
                    tp, f"was made anew: the tables have what was there before, up to offset {offset}"
                )
            if 0 < offset < beginnings[tp]:
                raise _misfit(
                    tp,
                    f"begins at offset {beginnings[tp]}, the tables have it up to {offset}: rows are lost",
                )
            consumer.seek(tp, max(offset, beginnings[tp]))

    async def poll(self, seconds: float) -> Mapping[Place, Sequence[Any]]:
        """Return the next records by place, in order; nothing where none came. Raises ``ProjectionError``."""
        try:
            fetched = await self._consumer.getmany(timeout_ms=round(seconds * 1000), max_records=AT_ONCE)
        except OffsetOutOfRangeError as error:
            tp = next(iter(error.args[0]))
            raise _misfit(tp, "does not have the offset any more that is to be read next") from error
        return {self._place_of[tp]: records for tp, records in fetched.items()}

    async def positions(self) -> dict[Place, int]:
        """Return which offset of each place is read next."""
        return {place: await self._consumer.position(tp) for place, tp in self._partitions.items()}

    async def ends(self) -> dict[Place, int]:
        """Return the offset behind the last committed row of each place.

        Raises ``ProjectionError`` when the broker does not say it for half a minute.
        """
        try:
            async with asyncio.timeout(_AWAY_AFTER):
                ends = await self._consumer.end_offsets(list(self._partitions.values()))
        except (TimeoutError, KafkaError) as error:
            raise ProjectionError(
                f"the Kafka broker at {self._settings.bootstrap_servers} does not answer: is it running?"
            ) from error
        return {self._place_of[tp]: end for tp, end in ends.items()}

    async def _require_topics(self) -> None:
        """Raise where the broker or a changelog is missing, before a consumer would wait for it."""
        counts: dict[str, int] = {}
        for place in self._partitions:
            counts[place.table] = max(counts.get(place.table, 0), place.partition + 1)
        names = {tp.topic for tp in self._place_of}
        needed = [spec for spec in specs(self._around, counts) if spec.name in names]
        async with Provisioner(self._settings) as provisioner:
            problems = [each for each in await provisioner.check(needed) if each.problem]
        if problems:
            raise TopicsError(f"topic {problems[0].topic} {problems[0].problem}")


def _misfit(tp: TopicPartition, problem: str) -> ProjectionError:
    return ProjectionError(
        f"{tp.topic}[{tp.partition}] {problem}; `streakline project --rebuild` fills the tables anew"
    )
