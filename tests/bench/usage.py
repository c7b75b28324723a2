"""What a program uses while it is watched: processor time and memory of its process and all below it."""

from contextlib import suppress
from itertools import pairwise
from typing import Final, NamedTuple

import psutil

from tests.bench.surroundings import BenchError

#: The shares of a load between which a program is measured. Before, connections are made and Java compiles itself.
#: After, one that commits once a second has nothing left to do but wait for that, and one whose partitions commit in
#: turns catches up with what it has folded already: between, both are as far behind their own fold all the time.
STEADY: Final = (1 / 3, 0.9)


class Sample(NamedTuple):
    """How many events were done at a moment, and the processor seconds that it had taken until then."""

    seconds: float
    events: int
    processor: float


class Usage:
    """Watches a process and its children. Children that have ended keep their last known processor time."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._processor: dict[int, float] = {}
        self.peak_memory = 0

    def processor_seconds(self) -> float:
        """Return user and system time so far, and note the memory."""
        memory = 0
        with suppress(psutil.Error):
            for process in (self._root, *self._root.children(recursive=True)):
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    self._processor[process.pid] = times.user + times.system
                    memory += process.memory_info().rss
        self.peak_memory = max(self.peak_memory, memory)
        return sum(self._processor.values())


class Speed(NamedTuple):
    """Events per second by the clock on the wall, and per second of processor time."""

    wall: float
    processor: float


def steady(samples: list[Sample]) -> tuple[Sample, Sample]:
    """Return where a program stood at the shares ``STEADY`` of its load, taken to go on evenly between samples.

    Raises ``BenchError`` where that cannot be told.
    """
    rising = samples[:1]
    rising += [each for before, each in pairwise(samples) if each.events > before.events]
    if len(rising) < 2:
        raise BenchError("all was done between two looks: there were too few events to measure a speed")
    first, last = (_at(round(share * rising[-1].events), rising) for share in STEADY)
    return first, last


def _at(events: int, samples: list[Sample]) -> Sample:
    before, after = next(pair for pair in pairwise(samples) if pair[1].events >= events)
    part = (events - before.events) / (after.events - before.events)
    return Sample(
        before.seconds + part * (after.seconds - before.seconds),
        events,
        before.processor + part * (after.processor - before.processor),
    )


def speed(first: Sample, last: Sample) -> Speed:
    """Return the speed between two samples."""
    events = last.events - first.events
    return Speed(
        events / (last.seconds - first.seconds), events / max(last.processor - first.processor, 1e-9)
    )
