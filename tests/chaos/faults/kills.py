"""1: ``kill -9`` at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.fault import Fault

if TYPE_CHECKING:
    from tests.chaos.harness import Chaos


def kill_at_random(chaos: Chaos) -> None:
    """Kill one of two or three workers after the other, whatever it is doing."""
    slots = chaos.start_workers(3, static=2)
    for number in range(chaos.times):
        chaos.pause(0.3, 4)
        # The third worker has no lasting name: when it dies, the group waits for its session to end.
        chaos.random.choice(slots if number % 3 == 0 else slots[:2]).kill()
        chaos.struck()


FAULTS = (
    Fault(key="1", title="`kill -9` at random, three workers", times=100, short=6, strike=kill_at_random),
)
