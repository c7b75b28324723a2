"""Where the microseconds of an event go, inside one process and without a broker.

    .venv/bin/python -m tests.bench.fold_cost --events 400000 --callers 1000

Recorded fetches of mixed traffic go the way that they go in a worker: aiokafka's records, ``fold_batch``,
``drain``, the batches of a transaction. What is measured is the processor's time of this process, so that
neighbours on the machine hardly count; the median of some rounds. The parts of ``fold_batch`` are measured in
passes of their own over the same records: what is left of it is called "the fold".
"""

import gc
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import click
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder

from agents import FOLDS
from app.domain.murmur import partitioner
from app.engine.fetching import use_quick_fetches
from app.engine.fold import Batch, Changes, Record
from app.engine.record_writer import by_table
from app.engine.records import RecordBatches
from app.engine.transactions import BATCH_BYTES, TransactionalWriter
from app.topics import Surroundings
from app.worker import GC_THRESHOLDS
from tables.partition import TOGETHER, Partition
from tables.seen import Seen
from tests.bench.load import Load
from tests.bench.surroundings import PARTITIONS
from tests.bench.traffic import Fetch, fetches

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW: Final = 1_000_000

#: As Faust's consumer does.
CHECK_CRCS: Final = True

#: Records of a transaction, about what one holds under full load.
TRANSACTION: Final = 25_000


class Clock:
    """Processor seconds by part."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        started = time.process_time()
        yield
        self.seconds[name] += time.process_time() - started


class _Producer:
    """Makes the batches that aiokafka's producer makes, and sends them nowhere."""

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH_BYTES, 0, is_transactional=1)

    def send_batch(self, batch: BatchBuilder, _topic: str, *, partition: int) -> int:  # noqa: ARG002
        batch.close()
        return len(batch._build())


def surroundings(partitions: int) -> Surroundings:
    """Return the surroundings of a deployment, with the partitioner that it has."""
    return Surroundings("streakline", "", partitions, partitioner(partitions), WINDOW)


def records_of(fetch: Fetch) -> Sequence[Record]:
    """Return the records of a fetch as the consumer hands them out."""
    tp, batches = TopicPartition(fetch.topic, fetch.partition), RecordBatches(fetch.batches)
    committed = fetcher.READ_COMMITTED
    read = fetcher.PartitionRecords(tp, batches, [], fetch.offset, None, None, CHECK_CRCS, committed)
    records: list[Record] = read.all()
    return records


def encode(changes: Changes, partition: int) -> int:
    """Return the bytes of a transaction's batches."""
    writer = TransactionalWriter.__new__(TransactionalWriter)
    writer._producer = _Producer()
    tables = by_table(changes.rows)
    rows = {(f"{table}-changelog", partition): each for table, each in tables.items()}
    return sum(writer._batches(changes.messages, rows))


def one_round(recorded: Sequence[Fetch], around: Surroundings) -> tuple[Clock, int, int]:
    """Fold all; return the time, the rows and the bytes that were written."""
    clock, rows, size = Clock(), 0, 0
    partitions = [Partition(number, around) for number in range(around.partitions)]
    waiting: Counter[int] = Counter()

    def commit(number: int) -> None:
        nonlocal rows, size
        with clock.part("rows"):
            changes = partitions[number].drain()
        with clock.part("batches"):
            size += encode(changes, number)
        rows += len(changes.rows)
        waiting[number] = 0

    for fetch in recorded:
        with clock.part("records"):
            records = records_of(fetch)
        with clock.part("fold_batch"):
            partitions[fetch.partition].fold_batch(
                FOLDS[fetch.topic], Batch(fetch.topic, fetch.partition, records), NOW
            )
        waiting[fetch.partition] += len(records)
        if waiting[fetch.partition] >= TRANSACTION:
            commit(fetch.partition)
    for number in range(around.partitions):
        commit(number)
    return clock, rows, size


def decoding(recorded: Sequence[Fetch]) -> float:
    """Return the seconds of decoding alone."""
    clock = Clock()
    for fetch in recorded:
        records, decode = records_of(fetch), FOLDS[fetch.topic].decode
        with clock.part("decode"):
            for record in records:
                decode(record)
    return clock.seconds["decode"]


def identities(recorded: Sequence[Fetch], partitions: int) -> float:
    """Return the seconds of looking identities up alone."""
    clock = Clock()
    seen = [Seen(WINDOW) for _ in range(partitions)]
    for fetch in recorded:
        fold, records = FOLDS[fetch.topic], records_of(fetch)
        ids = [fold.decode(each).identity for each in records]
        salt, known = fold.salt, seen[fetch.partition]
        with clock.part("identities"):
            for start in range(0, len(ids), TOGETHER):
                together = ids[start : start + TOGETHER]
                known.expect(together, salt)
                for number in range(len(together)):
                    known.add(number)
    return clock.seconds["identities"]


@click.command
@click.option("--events", default=400_000, show_default=True)
@click.option("--callers", default=1_000, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(events: int, callers: int, rounds: int) -> None:
    """Print a Markdown table of microseconds per event."""
    use_quick_fetches()
    gc.set_threshold(*GC_THRESHOLDS)
    load = Load(events, callers)
    recorded, around = list(fetches(load)), surroundings(PARTITIONS)
    measured: dict[str, list[float]] = {}
    rows = size = 0

    def note(part: str, seconds: float) -> None:
        measured.setdefault(part, []).append(seconds / events * 1e6)

    for _ in range(rounds):
        clock, rows, size = one_round(recorded, around)
        decoded, identified = decoding(recorded), identities(recorded, PARTITIONS)
        note("reading the records", clock.seconds["records"])
        note("decoding", decoded)
        note("identities", identified)
        note("the fold", clock.seconds["fold_batch"] - decoded - identified)
        note("encoding rows", clock.seconds["rows"])
        note("a transaction's batches", clock.seconds["batches"])
        note("all", sum(clock.seconds.values()))
    print(_table(load, measured, rows, size))  # noqa: T201 - its output


def _table(load: Load, measured: dict[str, list[float]], rows: int, size: int) -> str:
    lines = [
        f"| {load.events:,} events of {load.callers:,} callers | us/event (median) | lowest to highest |",
        "|---|---|---|",
    ]
    for part, values in measured.items():
        lines.append(f"| {part} | {statistics.median(values):.2f} | {min(values):.2f} to {max(values):.2f} |")
    lines.append(f"| rows written per event | {rows / load.events:.2f} | {size / load.events:.0f} bytes |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
