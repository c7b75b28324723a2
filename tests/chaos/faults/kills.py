"""1 and 2: ``kill -9`` at random, and at named points."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.chaos.fault import Fault
from tests.chaos.points import POINTS
from tests.chaos.supervisor import KILLED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.harness import Chaos
    from tests.chaos.supervisor import Slot

#: Seconds that a worker has to come to the point where it dies.
COMES_THERE = 120.0
#: Seconds that a worker stays which has come only to make the others give up their partitions.
VISIT = 10.0


def kill_at_random(chaos: Chaos) -> None:
    """Kill one of two or three workers after the other, whatever it is doing."""
    slots = chaos.start_workers(3, static=2)
    for number in range(chaos.times):
        chaos.pause(0.3, 4)
        # The third worker has no lasting name: when it dies, the group waits for its session to end.
        chaos.random.choice(slots if number % 3 == 0 else slots[:2]).kill()
        chaos.struck()


def kill_at(point: str, latest: int) -> Callable[[Chaos], None]:
    """Return a strike: a worker dies when it comes to the point for the first to the ``latest`` time."""

    def strike(chaos: Chaos) -> None:
        deaths = 0

        def arguments() -> list[str]:
            return ["--die-at", f"{point}:{chaos.random.randint(1, latest)}"] if deaths < chaos.times else []

        chaos.start_workers(1, static=1)
        victim = chaos.workers.start(static=True, arguments=arguments)
        victim.expected = frozenset({KILLED})
        while deaths < chaos.times:
            visitor = chaos.workers.start() if point == "while-revoking" else None
            _wait_for_death(victim, deaths)
            deaths += 1
            if visitor is not None:
                visitor.retire()
            chaos.struck()
        # The one that was started meanwhile may still die.
        victim.kill()

    return strike


def _wait_for_death(victim: Slot, deaths: int) -> None:
    deadline = time.monotonic() + COMES_THERE
    while victim.starts <= deaths + 1:
        assert time.monotonic() < deadline, f"{victim.name} does not come there:\n{victim.log}"
        time.sleep(0.02)


#: How often a worker may come to each point before it dies there.
LATEST = {
    "before-producer": 4,
    "during-restore": 300,
    "after-fold": 40,
    "after-outputs": 20,
    "after-rows": 20,
    "after-commit": 20,
    "while-revoking": 4,
}

FAULTS = (
    Fault(key="1", title="`kill -9` at random, three workers", times=100, short=6, strike=kill_at_random),
    *(
        Fault(
            key=f"2-{point}",
            title=f"`kill -9` at a point: {point.replace('-', ' ')}",
            times=20,
            short=1 if point in {"after-rows", "while-revoking"} else 0,
            strike=kill_at(point, LATEST[point]),
        )
        for point in POINTS
    ),
)
