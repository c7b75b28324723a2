"""streakline's worker: all rules, with identities and without."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer

from app.domain.published import OUTPUTS
from app.domain.streaks import count_days
from app.factory import POSITIONS
from app.topics import Surroundings
from tables import counters, days, models, partition, streaks
from tests.bench import forgetful
from tests.bench.expected import Total
from tests.bench.load import TOPICS
from tests.bench.subjects.subject import Progress, Run, Subject, newest_rows
from tests.bench.surroundings import WORKER, Child

#: Whether the hot path is machine code here.
COMPILED: Final = not str(partition.__file__).endswith(".py")


class Streakline(Subject):
    """The worker as `streakline worker` starts it, with its own settings."""

    name = "streakline"
    title = f"**streakline**{', compiled' if COMPILED else ''}, all rules, identities on"

    def command(self, run: Run) -> Sequence[str]:
        """Return the worker."""
        return WORKER

    def environment(self, run: Run) -> dict[str, str]:
        """Return a deployment of its own on the load's topics."""
        return run.bench.environment(run.name)

    async def create_topics(self, run: Run) -> None:
        """Make the topics of the deployment."""
        await run.bench.create_topics(run.name)

    def outputs(self, run: Run) -> Mapping[str, str]:
        """Return the contract's topics."""
        return {name: around(run).output_topic(name) for name in OUTPUTS}

    @asynccontextmanager
    async def progress(self, run: Run, child: Child) -> AsyncIterator[Progress]:
        """Yield the positions in the changelog: what is committed together with its rows and unlocks."""
        changelog = around(run).changelog(POSITIONS)
        sources = {around(run).topic(topic).encode() for topic in TOPICS}
        positions: Counter[tuple[int, bytes]] = Counter()
        async with AIOKafkaConsumer(
            **run.bench.settings(run.name).kafka_options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        ) as consumer:
            consumer.assign(run.partitions(changelog))

            async def done() -> int:
                for tp, records in (await consumer.getmany(timeout_ms=0)).items():
                    for record in records:
                        if record.key in sources:
                            positions[tp.partition, record.key] = int(record.value)
                return positions.total()

            yield done

    async def totals(self, run: Run, child: Child) -> Mapping[str, Total]:
        """Return what the changelogs say."""
        topic = around(run).changelog
        rows = await newest_rows(run, *map(topic, (counters.TABLE, models.TABLE, streaks.TABLE, days.TABLE)))
        cells: dict[bytes, list[int]] = {}
        for (name, _, key), value in rows.items():
            if name == topic(days.TABLE):
                _, caller = days.split_key(key)
                weighted = cells.setdefault(caller, [0, 0, 0])
                for day, cell in days.CODEC.decode(value).cells.items():
                    weighted[0] += day * cell.requests
                    weighted[1] += day * cell.tokens_saved
                    weighted[2] += day * cell.cost_saved
        totals = {}
        for (name, number, key), value in rows.items():
            if name != topic(counters.TABLE) or not key:  # the share of the gateway has an empty key
                continue
            sums = counters.CODEC.decode(value)
            kinds = rows.get((topic(models.TABLE), number, key))
            dates = rows.get((topic(streaks.TABLE), number, key))
            active = streaks.CODEC.decode(dates) if dates is not None else streaks.ActiveDays()
            weighted = cells.get(key, [0, 0, 0])
            totals[key.decode()] = Total(
                *(sums.requests, sums.cache_hits, sums.semantic_hits, sums.tokens_saved, sums.cost_saved),
                *(sums.races, sums.facts_stored, sums.facts_superseded),
                len(models.CODEC.decode(kinds).names) if kinds is not None else 0,
                *(count_days(active.requested), count_days(active.active), active.longest),
                sums.held.level,
                sums.held.achievements.bit_count(),
                sum(sums.held.stages),
                (weighted[0], weighted[1], weighted[2]),
            )
        return totals


class Forgetful(Streakline):
    """The same without identities, as the others are: what is missing from it is what they cost."""

    name = "streakline-without-identities"
    title = f"streakline{', compiled' if COMPILED else ''}, all rules, without identities"

    def command(self, run: Run) -> Sequence[str]:
        """Return a copy of the worker that takes every event for new."""
        return forgetful.program(run.bench.folder, compiled=COMPILED)


def around(run: Run) -> Surroundings:
    """Return the names of the run's topics."""
    return Surroundings.of(run.bench.settings(run.name))
