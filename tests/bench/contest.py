"""The contest: every program folds the same load, in turns, and what it has counted is compared with a recount."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiokafka import TopicPartition

from app.local.files import Report
from tests.bench import outputs
from tests.bench.load import Load, produce
from tests.bench.subjects.subject import Run, Subject, ends
from tests.bench.surroundings import PARTITIONS, Bench, BenchError, Child
from tests.bench.usage import Sample, Speed, Usage, speed, whole

#: Seconds between two looks at a program, and without any progress after which it hangs.
LOOK = 0.1
HANGS_AFTER = 90.0


@dataclass(frozen=True, slots=True)
class Score:
    """What one run of a program came to; bytes are those that it had the broker write.

    ``broker`` is the broker's processor time for an event, in microseconds.
    """

    speed: Speed
    peak_memory: int
    bytes_per_event: float | None
    broker: float | None

    def __str__(self) -> str:
        return f"{self.speed.wall:,.0f} events/s, {self.speed.processor:,.0f} events per CPU second"


async def prepare(here: Bench, load: Load, report: Report) -> Run:
    """Make the input topics of a load and send it; return what runs on it begin with."""
    bench = here.under(f"{load.callers // 1000}k{load.events // 1000}")
    await bench.create_inputs()
    options = bench.settings("any").kafka_options()
    sending = f"sending {load.events:,} events of {load.callers:,} callers"
    expected = await produce(
        options, bench.prefix, PARTITIONS, load, lambda done: report(sending, done, load.events)
    )
    return Run(bench, "", load, expected, report)


async def measure(subject: Subject, run: Run, *, counted: bool = True) -> Score:
    """Run a program from nothing to the end of the load. Raises ``BenchError`` if it hangs, ends or miscounts.

    A run that is not counted is not compared with the recount either.
    """
    await subject.create_topics(run)
    since = await ends(run, subject.outputs(run).values()) if subject.counts else {}
    storage = run.bench.storage
    log = run.bench.folder / f"{run.bench.prefix}{run.name}.log"
    try:
        with Child(subject.command(run), subject.environment(run), log) as child:
            await subject.warm_up(run, child)
            before = run.bench.bytes_written() if storage else 0
            usage, broker = Usage(child.process.pid), _Broker(run.bench)
            samples = subject.samples(child, await follow(subject, run, child, usage, on_look=broker.note))
            written = run.bench.bytes_written() - before if storage else None
            await subject.end(child)
            if subject.counts and counted:
                await check(subject, run, child, since)
    finally:
        await run.bench.delete_topics(run.name)
    each = written / run.load.events if written is not None else None
    first, last = whole(samples)
    return Score(speed(first, last), usage.peak_memory, each, broker.per_event(first, last))


class _Broker:
    """Notes at each look what the broker has used, if it is the bench's own."""

    def __init__(self, bench: Bench) -> None:
        self._usage = Usage(bench.broker) if bench.broker is not None else None
        self._noted: list[tuple[float, float]] = []

    def note(self, now: float) -> None:
        """Note it."""
        if self._usage is not None:
            self._noted.append((now, self._usage.processor_seconds()))

    def per_event(self, first: Sample, last: Sample) -> float | None:
        """Return microseconds of an event between two samples; None where the broker is not the bench's own."""
        if not self._noted:
            return None
        begin, end = (
            min(self._noted, key=lambda look: abs(look[0] - each.seconds))[1] for each in (first, last)
        )
        return 1e6 * (end - begin) / (last.events - first.events)


async def follow(
    subject: Subject,
    run: Run,
    child: Child,
    usage: Usage,
    *,
    on_sample: Callable[[Sample], None] = lambda _: None,
    on_look: Callable[[float], None] = lambda _: None,
) -> list[Sample]:
    """Sample until all events are done; a look at which nothing was done since the last is no sample."""
    samples: list[Sample] = []
    moved = time.monotonic()
    async with subject.progress(run, child) as done:
        while not samples or samples[-1].events < run.load.events:
            await asyncio.sleep(LOOK)
            processor, events, now = usage.processor_seconds(), await done(), time.monotonic()
            on_look(now)
            run.report(f"{run.name}: folding", events, run.load.events)
            if events > (samples[-1].events if samples else 0):
                samples.append(Sample(now, events, processor))
                on_sample(samples[-1])
                moved = now
            elif events < run.load.events:
                if child.process.poll():
                    child.require_running()
                if now - moved > HANGS_AFTER:
                    raise BenchError(f"{run.name}: nothing was done for {HANGS_AFTER:.0f} s")
    return samples


async def check(subject: Subject, run: Run, child: Child, since: Mapping[TopicPartition, int]) -> None:
    """Compare what a program has counted and published with the recount. Raises ``BenchError``."""
    run.report(f"{run.name}: comparing with the recount", 0, 0)
    if problem := run.expected.problem(await subject.totals(run, child)):
        raise BenchError(f"{run.name} miscounts: {problem}")
    await outputs.require(subject, run, since)


def _part(load: Load, share: int) -> Load:
    events = load.events // share
    return replace(load, events=events, everyone=load.everyone and events >= load.callers)


async def rounds(
    here: Bench, subjects: Sequence[Subject], load: Load, count: int, report: Report
) -> dict[str, list[Score]]:
    """Let programs take turns, ``count`` times each. A slow one gets fewer events of the same callers.

    The first has one more turn before all others, which is not counted: the broker compiles itself meanwhile.
    """
    shares = {share for each in subjects for share in (each.share, each.warm_up_share) if share}
    runs = {share: await prepare(here, _part(load, share), report) for share in sorted(shares)}
    scores: dict[str, list[Score]] = {subject.name: [] for subject in subjects}
    first = subjects[0]
    await measure(first, replace(runs[first.share], name=f"{first.name}-warm-up"), counted=False)
    for number in range(1, count + 1):
        for subject in subjects:
            warm_up = runs[subject.warm_up_share] if subject.warm_up_share else None
            this = replace(runs[subject.share], name=f"{subject.name}-{number}", warm_up=warm_up)
            score = await measure(subject, this)
            scores[subject.name].append(score)
            report(f"{this.name}: {score}", 0, 0)
    for run in runs.values():
        await run.bench.delete_topics()
    return scores
