"""What an event costs after many others, and what a second worker brings.

Processor time per event is what is compared first: it is there whatever else the machine does.
"""

from contextlib import ExitStack
from dataclasses import replace
from typing import Final, NamedTuple

import psutil

from app.local.files import Report
from tests.bench import contest
from tests.bench.load import Load
from tests.bench.subjects.streakline import Streakline
from tests.bench.subjects.subject import Run, ends
from tests.bench.surroundings import Bench, Child
from tests.bench.usage import Sample, Usage

#: How many events are behind the first window.
EARLY: Final = 10_000

#: The window is a fifth of all events, many transactions; the last one ends before partitions catch up with what
#: they have folded already.
WINDOW: Final = 5
LAST: Final = 0.9

#: Shares of the load between which two workers are compared with one: both have joined, neither is done.
STEADY: Final = (0.3, 0.85)


class Growth(NamedTuple):
    """Microseconds of processor time of an event after ``EARLY`` events and in the last window."""

    events: int
    callers: int
    early: float
    late: float


class Workers(NamedTuple):
    """So many workers: events/s, processor microseconds per event of them and of the broker, share of busy cores."""

    workers: int
    speed: float
    cost: float
    broker_cost: float
    busy: float


class _Watch(NamedTuple):
    """A sample with what the broker and the whole machine have used."""

    sample: Sample
    broker: float
    busy: float
    idle: float


async def after_many(here: Bench, load: Load, report: Report) -> Growth:
    """Fold a long load once; compare its first events with its last."""
    run = replace(await contest.prepare(here, load, report), name="growth")
    subject = Streakline()
    await subject.create_topics(run)
    log = run.bench.folder / f"{run.app}.log"
    with Child(subject.command(run), subject.environment(run), log) as child:
        samples = await contest.follow(subject, run, child, Usage(child.process.pid))
        await child.terminate()
        await contest.check(subject, run, child, {})
    await run.bench.delete_topics()
    width, last = load.events // WINDOW, round(LAST * load.events)
    return Growth(
        load.events,
        load.callers,
        _cost(samples, EARLY, EARLY + width),
        _cost(samples, last - width, last),
    )


def _cost(samples: list[Sample], begin: int, end: int) -> float:
    first = next(each for each in samples if each.events >= begin)
    last = next(each for each in samples if each.events >= end)
    return (last.processor - first.processor) / (last.events - first.events) * 1e6


async def workers(here: Bench, load: Load, count: int, rounds: int, report: Report) -> list[list[Workers]]:
    """Let 1 to ``count`` workers of one group fold a load together, in turns."""
    run = await contest.prepare(here, load, report)
    measured: list[list[Workers]] = [[] for _ in range(count)]
    for number in range(1, rounds + 1):
        for many in range(1, count + 1):
            this = replace(run, name=f"workers-{many}-{number}")
            measured[many - 1].append(await _together(this, many))
    await run.bench.delete_topics()
    return measured


async def _together(run: Run, count: int) -> Workers:
    subject = Streakline()
    await subject.create_topics(run)
    since = await ends(run, subject.outputs(run).values())
    broker = Usage(run.bench.broker) if run.bench.broker is not None else None
    watched: list[_Watch] = []
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                Child(
                    subject.command(run),
                    subject.environment(run),
                    run.bench.folder / f"{run.app}-{number}.log",
                )
            )
            for number in range(count)
        ]
        usages = [Usage(child.process.pid) for child in children]

        def on_sample(sample: Sample) -> None:
            cores = psutil.cpu_times()
            processor = sum(usage.processor_seconds() for usage in usages)
            busy = sum(cores) - cores.idle - cores.guest - cores.guest_nice
            at_broker = broker.processor_seconds() if broker is not None else 0.0
            watched.append(_Watch(sample._replace(processor=processor), at_broker, busy, cores.idle))

        await contest.follow(subject, run, children[0], usages[0], on_sample=on_sample)
        for child in children:
            child.require_running()
            await child.terminate()
    await contest.check(subject, run, children[0], since)
    await run.bench.delete_topics(f"{run.name}.")
    first, last = (next(w for w in watched if w.sample.events >= run.load.events * share) for share in STEADY)
    events = last.sample.events - first.sample.events
    busy, idle = last.busy - first.busy, last.idle - first.idle
    return Workers(
        count,
        events / (last.sample.seconds - first.sample.seconds),
        (last.sample.processor - first.sample.processor) / events * 1e6,
        (last.broker - first.broker) / events * 1e6,
        busy / (busy + idle),
    )
