"""How long it takes from producing an event until what it unlocks is seen by a read_committed reader."""

import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from app.local.files import Report
from app.topics import Surroundings
from tests.bench.expected import Expected
from tests.bench.load import Load
from tests.bench.paced import FIRST_OF_CALLER
from tests.bench.subjects.subject import Run, Subject
from tests.bench.surroundings import REQUESTS, Bench, BenchError, Child, finish
from tests.bench.usage import Usage

#: Seconds that are not counted: caches fill, a JIT compiles.
WARM_UP: Final = 10

#: Seconds within which the first unlock must be there, and the next one of those that are still to come.
STARTS_WITHIN: Final = 90.0
NEXT_WITHIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds from when events were due until their unlocks were seen; by how many ms the sender was late."""

    milliseconds: list[float]
    sender_late: float
    #: Cores that the program used: processor seconds per second.
    cores: float

    def percentile(self, share: float) -> float:
        """Return the least delay that so large a share does not exceed."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def measure(
    subject: Subject | None,
    here: Bench,
    name: str,
    pace: tuple[int, int],
    report: Report,
    *,
    warm_up: Run | None = None,
) -> Delays:
    """Send ``pace`` (events a second, seconds) through a program, which may fold another load before.

    Without a program, the events themselves are read back: what producing and reading takes here by itself.
    """
    rate, seconds = pace
    bench = here.under(name)
    run = Run(bench, name, Load(rate * seconds), Expected(), report, warm_up)
    await bench.create_inputs()
    what = f"{subject.name if subject else 'nothing'} at {rate:,} events/s"
    if subject:
        await subject.create_topics(run)
    topic = subject.unlock_topic(run) if subject else bench.prefix + REQUESTS
    async with _reader(run, topic) as reader, _running(subject, run) as usage:
        report(f"{what}: waiting for the first unlock", 0, 0)
        await _first(run, reader)
        before, began = usage.processor_seconds() if usage else 0.0, time.monotonic()
        command = (sys.executable, "-m", "tests.bench.paced", "--rate", str(rate), "--seconds", str(seconds))
        log = bench.folder / f"{bench.prefix}paced.log"
        with Child(command, bench.environment("any"), log) as sender:
            delays = await _read(
                reader, rate * seconds // FIRST_OF_CALLER, lambda done: report(what, done, seconds)
            )
            used = (usage.processor_seconds() if usage else 0.0) - before
            cores = used / (time.monotonic() - began)
            late = float((await finish(sender, within=NEXT_WITHIN)).splitlines()[-1])
    await bench.delete_topics()
    return Delays(delays, late, cores)


@asynccontextmanager
async def _reader(run: Run, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    async with AIOKafkaConsumer(
        **run.bench.settings("any").kafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as consumer:
        consumer.assign(run.partitions(topic))
        yield consumer


@asynccontextmanager
async def _running(subject: Subject | None, run: Run) -> AsyncIterator[Usage | None]:
    if subject is None:
        yield None
        return
    log = run.bench.folder / f"{run.app}.log"
    with Child(subject.command(run), subject.environment(run), log) as child:
        await subject.warm_up(run, child)
        yield Usage(child.process.pid)
        child.require_running()
        await subject.end(child)


async def _first(run: Run, reader: AIOKafkaConsumer) -> None:
    """Return when an event has gone all the way."""
    event = {"request_id": "0-0", "caller_id": "first", "model": "m", "status": "success"}
    value = json.dumps({**event, "created_at": "2025-01-01T00:00:00Z"}).encode()
    async with AIOKafkaProducer(**run.bench.settings("any").kafka_options()) as producer:
        partition = Surroundings.of(run.bench.settings("any")).partition_of(b"first")
        await producer.send_and_wait(run.bench.prefix + REQUESTS, value, b"first", partition=partition)
    if not await reader.getmany(timeout_ms=int(STARTS_WITHIN * 1000)):
        raise BenchError(f"{run.name}: nothing was unlocked within {STARTS_WITHIN:.0f} s")


async def _read(reader: AIOKafkaConsumer, unlocks: int, report: Callable[[int], None]) -> list[float]:
    """Return the delays of all ``first-call`` unlocks after the warm-up; read until all have come."""
    delays = []
    began = time.time()
    seen, moved = 0, began
    while seen < unlocks:
        fetched = await reader.getmany(timeout_ms=200)
        now = time.time()
        for due in _due(record.value for records in fetched.values() for record in records):
            seen, moved = seen + 1, now
            if due - began > WARM_UP:
                delays.append((now - due) * 1000)
        report(int(now - began))
        if now - moved > NEXT_WITHIN:
            raise BenchError(f"{seen} of {unlocks} unlocks have come, and no more for {NEXT_WITHIN:.0f} s")
    return delays


def _due(values: Iterable[bytes]) -> Iterable[float]:
    """Yield when the events were due that were the first of their callers."""
    for value in values:
        read = json.loads(value)
        if "request_id" in read:  # an event, not an unlock
            if read["caller_id"].startswith("first-"):
                yield int(read["request_id"].partition("-")[0]) / 1e9
        elif read.get("achievement_id") == "first-call" and "first-" in read["scope"]:
            yield int(read["cause"]["id"].partition("-")[0]) / 1e9
