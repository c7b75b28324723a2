"""Kafka Streams with exactly_once_v2 and one thread; its settings, with a reason for each, are in Program.java."""

import struct
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Final

from app.domain.achievements import CALLER_ACHIEVEMENTS
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
#: often, and an unlock is seen up to a second later. With 100, 1,000 and 5,000, a run of a million events of 1,000 callers
#: made 72,000, 105,000 and 118,000 events per CPU second.
DEFAULT_COMMIT_MS: Final = 100
RARE_COMMIT_MS: Final = 1_000

#: As Caller.java writes them.
_NUMBERS: Final = struct.Struct(">9q4i")
_PAGE: Final = struct.Struct(">iQQ")
_CELL: Final = struct.Struct(">3q")


class KafkaStreams(Subject):
    """In memory: the stores are on the heap, with a changelog each."""

    name = "kafka-streams"
    title = "Kafka Streams, exactly-once, in memory, commit 1 s"
    store: ClassVar[str] = "memory"
    commit_ms: ClassVar[int] = RARE_COMMIT_MS

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
            # Rows that are written together go together; they wait for the commit anyway, so no longer than it.
            "BENCH_LINGER_MS": str(min(self.commit_ms, 100)),
        }

    def progress(self, run: Run, child: Child) -> AbstractAsyncContextManager[Progress]:
        """Yield the offsets that it commits in its transactions."""
        return group_offsets(run)

    async def totals(self, run: Run, child: Child) -> Mapping[str, Total]:
        """Return what the changelogs of its stores say."""
        callers, cells = f"{run.app}-callers-changelog", f"{run.app}-days-changelog"
        rows = await newest_rows(run, callers, cells)
        weighted: dict[bytes, list[int]] = {}
        for (topic, _, key), value in rows.items():
            if topic == cells:
                day = int.from_bytes(key[:4], signed=True)
                sums = weighted.setdefault(key[4:], [0, 0, 0])
                for place, number in enumerate(_CELL.unpack(value)):
                    sums[place] += day * number
        return {
            key.decode(): _total(value, weighted.get(key, [0, 0, 0]))
            for (topic, _, key), value in rows.items()
            if topic == callers
        }


class KafkaStreamsOften(KafkaStreams):
    """The same with its default commit interval, for unlocks that are seen soon."""

    name = "kafka-streams-often"
    title = "Kafka Streams, exactly-once, in memory, commit 0.1 s"
    commit_ms = DEFAULT_COMMIT_MS


class KafkaStreamsRocksDb(KafkaStreams):
    """The same with its default store."""

    name = "kafka-streams-rocksdb"
    title = "Kafka Streams, exactly-once, RocksDB, commit 1 s"
    store = "rocksdb"


def _total(value: bytes, weighted: Sequence[int]) -> Total:
    numbers = _NUMBERS.unpack_from(value)
    held, level, longest, models, pages = numbers[8:]
    masks = [_PAGE.unpack_from(value, _NUMBERS.size + page * _PAGE.size) for page in range(pages)]
    active = sum(mask.bit_count() for _, mask, _ in masks)
    requested = sum(mask.bit_count() for _, _, mask in masks)
    achievements = held & (1 << len(CALLER_ACHIEVEMENTS)) - 1
    earned = achievements.bit_count(), (held ^ achievements).bit_count()
    derived = (models, requested, active, longest, level, *earned)
    return Total._make([*numbers[:8], *derived, tuple(weighted)])
