"""Kafka Streams with exactly_once_v2 and one thread; its settings, with a reason for each, are in Program.java."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Final

from app.domain.achievements import CALLER_ACHIEVEMENTS
from app.domain.published import OUTPUTS
from tests.bench import java
from tests.bench.expected import Total
from tests.bench.subjects.subject import (
    Progress,
    Run,
    Subject,
    catalog,
    group_offsets,
    newest_rows,
    outputs_of,
)
from tests.bench.surroundings import Child

#: Milliseconds between commits. 100 is the default of exactly-once; with 1,000 the cache writes a busy caller less
#: often, and an unlock is seen up to a second later. With an older fold that made it half as fast again for the
#: processor, and 5,000 a tenth more.
DEFAULT_COMMIT_MS: Final = 100
RARE_COMMIT_MS: Final = 1_000

#: As who wants unlocks soon would set it: a quarter of the wait for a commit, for four times as many commits.
QUICK_COMMIT_MS: Final = 25

#: Of the events of the load, it folds one in so many before it is measured: by then Java has compiled itself.
WARM_UP_SHARE: Final = 5

#: As Caller.java writes them.
_NUMBERS: Final = struct.Struct(">9q4i")
_OPEN_DAY: Final = struct.Struct(">i3q")
_NO_DAY: Final = -(2**31)
_PAGE: Final = struct.Struct(">iQQ")
_CELL: Final = struct.Struct(">3q")


class KafkaStreams(Subject):
    """In memory: the stores are on the heap, with a changelog each."""

    name = "kafka-streams"
    title = "Kafka Streams, exactly-once, in memory, commit 1 s"
    store: ClassVar[str] = "memory"
    commit_ms: ClassVar[int] = RARE_COMMIT_MS
    #: The default. Rows that are written together go together; they wait for the commit anyway, so no longer than it.
    linger_ms: ClassVar[int] = 100
    warm_up_share = WARM_UP_SHARE

    def command(self, run: Run) -> Sequence[str]:
        """Return the Java program."""
        return java.program(run.bench.folder, run.load.callers, run.report)

    def environment(self, run: Run) -> dict[str, str]:
        """Return what Program.java reads."""
        return {
            "BENCH_BROKER": run.bench.address,
            "BENCH_APP": run.app,
            "BENCH_PREFIX": run.bench.prefix,
            "BENCH_STORE": self.store,
            "BENCH_STATE": str(run.bench.folder / f"{run.name}-state"),
            "BENCH_CATALOG": str(catalog(run.bench.folder)),
            "BENCH_OUTPUTS": outputs_of(run),
            "BENCH_COMMIT_MS": str(self.commit_ms),
            "BENCH_LINGER_MS": str(self.linger_ms),
            **self._warm_up(run),
        }

    def _warm_up(self, run: Run) -> dict[str, str]:
        if run.warm_up is None:
            return {}
        return {
            "BENCH_WARM_UP_PREFIX": run.warm_up.bench.prefix,
            "BENCH_WARM_UP_EVENTS": str(run.warm_up.load.events),
            "BENCH_WARM_UP_OUTPUTS": _warm_up_outputs(run),
        }

    async def create_topics(self, run: Run) -> None:
        """Make those that it writes to while it warms up, too."""
        await super().create_topics(run)
        if run.warm_up is not None:
            await run.bench.create_topics_of_its_own(*(_warm_up_outputs(run) + name for name in OUTPUTS))

    async def warm_up(self, run: Run, child: Child) -> None:
        """Wait until it says that it has folded the other load."""
        while run.warm_up is not None and "warm" not in child.output.splitlines():
            child.require_running()
            await asyncio.sleep(0.1)

    def progress(self, run: Run, child: Child) -> AbstractAsyncContextManager[Progress]:
        """Yield the offsets that it commits in its transactions."""
        return group_offsets(run)

    async def totals(self, run: Run, child: Child) -> Mapping[str, Total]:
        """Return what the changelogs of its stores say."""
        callers, cells = f"{run.app}-callers-changelog", f"{run.app}-days-changelog"
        rows = await newest_rows(run, callers, cells)
        found = {key: value for (topic, _, key), value in rows.items() if topic == callers}
        days = {
            (key[4:], int.from_bytes(key[:4], signed=True)): _CELL.unpack(value)
            for (topic, _, key), value in rows.items()
            if topic == cells
        }
        for key, value in found.items():
            open_day, *cell = _OPEN_DAY.unpack_from(value, _NUMBERS.size)
            if open_day != _NO_DAY:
                days[key, open_day] = tuple(cell)
        weighted: dict[bytes, list[int]] = {}
        for (key, day), sums_of_day in days.items():
            sums = weighted.setdefault(key, [0, 0, 0])
            for place, number in enumerate(sums_of_day):
                sums[place] += day * number
        return {key.decode(): _total(value, weighted.get(key, [0, 0, 0])) for key, value in found.items()}


class KafkaStreamsOften(KafkaStreams):
    """The same with its default commit interval, for unlocks that are seen soon."""

    name = "kafka-streams-often"
    title = "Kafka Streams, exactly-once, in memory, commit 0.1 s"
    commit_ms = DEFAULT_COMMIT_MS


class KafkaStreamsQuick(KafkaStreams):
    """The same tuned for delay."""

    name = "kafka-streams-quick"
    title = "Kafka Streams, exactly-once, in memory, commit 25 ms, linger 0"
    commit_ms = QUICK_COMMIT_MS
    linger_ms = 0


class KafkaStreamsRocksDb(KafkaStreams):
    """The same with its default store."""

    name = "kafka-streams-rocksdb"
    title = "Kafka Streams, exactly-once, RocksDB, commit 1 s"
    store = "rocksdb"


def _warm_up_outputs(run: Run) -> str:
    return f"{outputs_of(run)}warm-up."


def _total(value: bytes, weighted: Sequence[int]) -> Total:
    numbers = _NUMBERS.unpack_from(value)
    held, level, longest, models, pages = numbers[8:]
    first = _NUMBERS.size + _OPEN_DAY.size
    masks = [_PAGE.unpack_from(value, first + page * _PAGE.size) for page in range(pages)]
    active = sum(mask.bit_count() for _, mask, _ in masks)
    requested = sum(mask.bit_count() for _, _, mask in masks)
    achievements = held & (1 << len(CALLER_ACHIEVEMENTS)) - 1
    earned = achievements.bit_count(), (held ^ achievements).bit_count()
    derived = (models, requested, active, longest, level, *earned)
    return Total._make([*numbers[:8], *derived, tuple(weighted)])
