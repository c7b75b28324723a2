"""What a program uses while it is watched: processor time and memory of its process and all below it."""

from contextlib import suppress
from typing import NamedTuple

import psutil

from tests.bench.surroundings import BenchError


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


def whole(samples: list[Sample]) -> tuple[Sample, Sample]:
    """Return where a program first had done something, and where it had done all.

    So each is measured on all of its load but what it did first: programs read the topics in different orders, and an
    event is dearer at the beginning, when callers are new. Starting is left out, and so is what was done until the
    first commit; waiting for the last commit is not. Raises ``BenchError`` where that is nothing.
    """
    done = [each for each in samples if each.events]
    if not done or done[-1].events == done[0].events:
        raise BenchError("all was done between two looks: there were too few events to measure a speed")
    return done[0], next(each for each in done if each.events == done[-1].events)


def speed(first: Sample, last: Sample) -> Speed:
    """Return the speed between two samples."""
    events = last.events - first.events
    return Speed(
        events / (last.seconds - first.seconds), events / max(last.processor - first.processor, 1e-9)
    )
