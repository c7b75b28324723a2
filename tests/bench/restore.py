"""How long a worker takes to restore many callers, and how much memory they take.

Every caller has 40 active days within the last three months. Their rows are not folded one by one, which would take
many millions of events: streakline's own fold makes the rows of a few hundred callers, and every other caller gets the
rows of one of them under its own name. With ``identities``, each partition remembers as many as its window takes.
"""

import asyncio
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import psutil
from aiokafka import AIOKafkaProducer

from agents.requests import REQUESTS as FOLD
from app.engine.fold import Batch, Record, Row
from app.engine.record_writer import by_table
from app.engine.rows_written import RowsWritten
from app.factory import POSITIONS
from app.local.files import Report
from app.topics import FORWARDED, INPUTS, Surroundings
from tables import seen
from tables.partition import RESTORED, Partition
from tests.bench.load import BATCH_BYTES, MODELS
from tests.bench.surroundings import PARTITIONS, REQUESTS, WORKER, Bench, BenchError, Child

LINE = re.compile(r"restored (\d+) rows .* in ([\d.]+) s")

#: Callers that are folded; all others are like one of them.
PATTERNS: Final = 256
DAYS: Final = 40
SPAN: Final = 92
NEWEST: Final = datetime(2025, 6, 30, tzinfo=UTC)

_NAME: Final = "caller-%08d"
_IN_FLIGHT: Final = 32
_DAY: Final = 86_400_000
RESTORES_WITHIN: Final = 600.0


@dataclass(frozen=True, slots=True)
class Restored:
    """Rows and seconds as the worker's log says; from process start to folding: seconds, and of the processor; resident bytes."""

    callers: int
    identities: int
    rows: int
    seconds: float
    to_folding: float
    resident: int
    processor: float


class Sent(msgspec.Struct):
    """A record as a fold reads it."""

    offset: int
    timestamp: int
    value: bytes
    key: bytes | None = None
    headers: tuple[()] = ()


async def measure(
    here: Bench, callers: int, rounds: int, report: Report, *, identities: bool = False
) -> list[Restored]:
    """Make the state of so many callers and restore it."""
    bench, app = here.under(f"restore-{callers}{'-full' if identities else ''}"), "restored"
    await bench.create_topics(app)
    remembered = await _write_state(bench, app, callers, report, identities=identities)
    restored = []
    for number in range(1, rounds + 1):
        report(f"restoring {callers:,} callers", number, rounds)
        restored.append(await _restore(bench, app, (callers, remembered), number))
    await bench.delete_topics()
    return restored


async def _restore(bench: Bench, app: str, held: tuple[int, int], number: int) -> Restored:
    log = bench.folder / f"{bench.prefix}{number}.log"
    with Child(WORKER, bench.environment(app), log) as worker:
        while "folding: " not in worker.output:
            worker.require_running()
            if time.monotonic() - worker.started > RESTORES_WITHIN:
                raise BenchError(f"the worker has not restored in {RESTORES_WITHIN:.0f} s")
            await asyncio.sleep(0.05)
        to_folding = time.monotonic() - worker.started
        process = psutil.Process(worker.process.pid)
        resident, times = int(process.memory_info().rss), process.cpu_times()
        found = LINE.search(worker.output)
        if found is None:
            raise BenchError("the worker's log does not say what was restored")
        await worker.terminate()
    return Restored(*held, int(found[1]), float(found[2]), to_folding, resident, times.user + times.system)


# -- the state ---------------------------------------------------------------------------------------------


async def _write_state(bench: Bench, app: str, callers: int, report: Report, *, identities: bool) -> int:
    """Write the changelogs; return how many identities are in them."""
    settings = bench.settings(app)
    around = Surroundings.of(settings)
    patterns = [_rows_of(around, random.Random(number)) for number in range(PATTERNS)]
    window = _identities(around) if identities else []
    sources = [around.topic(name).encode() for name in (*INPUTS, FORWARDED)]
    written = [RowsWritten() for _ in range(PARTITIONS)]
    async with AIOKafkaProducer(**settings.kafka_options(), max_batch_size=BATCH_BYTES) as producer:
        writer = _Writer(producer, around)
        for partition in range(PARTITIONS):
            await writer.write(partition, window, written[partition])
        for number in range(callers):
            name = (_NAME % number).encode()
            partition = around.partition_of(name)
            rows = [Row(table, key + name, value) for table, key, value in patterns[number % PATTERNS]]
            await writer.write(partition, rows, written[partition])
            if not number % 10_000:
                report(f"writing the rows of {callers:,} callers", number, callers)
        for partition in range(PARTITIONS):
            rows = [Row(POSITIONS, source, b"0") for source in sources]
            await writer.write(partition, rows, written[partition])
            await writer.write(partition, [written[partition].row(POSITIONS)], RowsWritten())
        await writer.finish()
    return around.dedupe_window * PARTITIONS if identities else 0


def _rows_of(around: Surroundings, rng: random.Random) -> list[tuple[str, bytes, bytes | None]]:
    """Fold 40 days of a caller, some requests on each; return its rows, the keys without its name."""
    name = _NAME % 0
    partition = Partition(around.partition_of(name.encode()), around)
    newest = int(NEWEST.timestamp() * 1000)
    records: list[Record] = []
    for number, day in enumerate(rng.sample(range(SPAN), DAYS)):
        for _ in range(rng.randint(1, 9)):
            at = datetime.fromtimestamp((newest - day * _DAY) / 1000, UTC)
            event = {
                "request_id": f"{number}-{rng.random()}",
                "caller_id": name,
                "model": rng.choice(MODELS),
                "status": "success",
                "created_at": at,
            }
            records.append(Sent(len(records), newest, msgspec.json.encode(event)))
    partition.fold_batch(FOLD, Batch(around.topic(REQUESTS), partition.number, records), NEWEST)
    end = name.encode()
    return [
        (row.table, row.key.removesuffix(end), row.value)
        for row in partition.drain().rows
        if row.table in RESTORED and row.key.endswith(end)
    ]


def _identities(around: Surroundings) -> list[Row]:
    """Return the rows of as many identities as a partition remembers."""
    full = seen.Seen(around.dedupe_window)
    full.expect([b"req-%d" % number for number in range(around.dedupe_window)], 0)
    for number in range(around.dedupe_window):
        full.add(number)
    return list(full.drain())


class _Writer:
    """Writes rows to the changelogs in large batches."""

    def __init__(self, producer: AIOKafkaProducer, around: Surroundings) -> None:
        self._producer = producer
        self._around = around
        self._batches: dict[tuple[str, int], Any] = {}
        self._sent: list[Any] = []

    async def write(self, partition: int, rows: Sequence[Row], written: RowsWritten) -> None:
        """Write rows, and count them as the engine does."""
        written.count(by_table(rows))
        for row in rows:
            target = row.table, partition
            while (batch := self._batches.get(target)) is None or (
                batch.append(key=row.key, value=row.value, timestamp=None) is None
            ):
                if batch is not None:
                    await self._send(target)
                self._batches[target] = self._producer.create_batch()

    async def _send(self, target: tuple[str, int]) -> None:
        table, partition = target
        batch = self._batches.pop(target)
        batch.close()
        topic = self._around.changelog(table)
        self._sent.append(await self._producer.send_batch(batch, topic, partition=partition))
        if len(self._sent) > _IN_FLIGHT:
            await self._sent.pop(0)

    async def finish(self) -> None:
        """Return when all is acknowledged."""
        for target in list(self._batches):
            await self._send(target)
        for acknowledged in self._sent:
            await acknowledged
