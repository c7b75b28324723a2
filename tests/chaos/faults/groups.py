"""3 and 4: rebalances, and workers that stand still for longer than their session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.chaos.fault import Fault

if TYPE_CHECKING:
    from tests.chaos.harness import Chaos

#: Seconds; the least that a broker allows, so that a stop takes 9 s instead of 15.
SESSION = 6.0

#: Workers that are there after each rebalance, again and again.
COUNTS = (2, 3, 2, 1)


def come_and_go(chaos: Chaos) -> None:
    """From one worker to three and back, each time as soon as the newest folds or the oldest has left."""
    chaos.start_workers(1)
    for number in range(chaos.times):
        running = chaos.workers.running
        if len(running) < COUNTS[number % len(COUNTS)]:
            chaos.workers.start().wait_until_folding()
        else:
            assert running[0].retire() == 0, running[0].log
        chaos.struck()


def stand_still(chaos: Chaos) -> None:
    """Stop one of three workers, or two at once, for 1.5 sessions, and let them go on.

    One that owns partitions must leave. One that was stopped in the middle of a rebalance owns none and may join again.
    """
    slots = chaos.start_workers(3, static=1)
    struck = 0
    while struck < chaos.times:
        for slot in slots:
            slot.wait_until_folding()
        chosen = chaos.random.sample(slots, min(2, chaos.times - struck))
        before = [slot.openings for slot in chosen]
        for slot in chosen:
            slot.freeze()
        time.sleep(1.5 * SESSION)
        for slot in chosen:
            slot.thaw()
        for slot, openings in zip(chosen, before, strict=True):
            slot.wait_until_open_again(openings)
            struck += 1
            chaos.struck()


FAULTS = (
    Fault(
        key="3",
        title="rebalances, one to three workers and back",
        times=40,
        short=4,
        strike=come_and_go,
        settings={"STREAKLINE_PARTITIONS": "6"},  # two for each of three
    ),
    Fault(
        key="4",
        title=f"SIGSTOP for 1.5 sessions of {SESSION:.0f} s, then SIGCONT",
        times=20,
        short=1,
        strike=stand_still,
        session=SESSION,
        expected=frozenset({1}),
    ),
)
