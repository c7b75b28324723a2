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
#: Seconds until the changelogs hold more rows than a worker may restore before it dies.
WRITES = 3.0


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
    return kill_by(
        lambda chaos: ["--die-at", f"{point}:{chaos.random.randint(1, latest)}"],
        _visit_until_death if point == "while-revoking" else lambda *_: None,
    )


def kill_by(
    options: Callable[[Chaos], list[str]], before_death: Callable[[Chaos, Slot, int], None] = lambda *_: None
) -> Callable[[Chaos], None]:
    """Return a strike: one of two workers dies of its own options, again and again."""

    def strike(chaos: Chaos) -> None:
        started = 0

        def arguments() -> list[str]:
            nonlocal started
            started += 1
            return options(chaos) if started <= chaos.times else []

        chaos.start_workers(1, static=1)
        time.sleep(WRITES)
        victim = chaos.workers.start(static=True, arguments=arguments)
        victim.expected = frozenset({KILLED})
        for deaths in range(1, chaos.times + 1):
            before_death(chaos, victim, deaths)
            victim.wait_until_started_again(deaths, COMES_THERE)
            chaos.struck()

    return strike


def _visit_until_death(chaos: Chaos, victim: Slot, deaths: int) -> None:
    """Have a third worker come and go, so that the others give up their partitions each time."""
    victim.wait_until_folding()
    while victim.starts <= deaths:
        visitor = chaos.workers.start()
        visitor.wait_until_folding()
        visitor.retire()


#: How often a worker may come to each point before it dies there. One of two workers has two tasks at least.
LATEST = {
    "before-producer": 2,
    "during-restore": 300,
    "after-fold": 40,
    "after-outputs": 20,
    "after-rows": 20,
    "after-commit": 20,
    "while-revoking": 2,
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
