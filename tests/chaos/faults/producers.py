"""6 and 7: what producers do: send twice, out of order, late, and things that are no events."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.chaos.fault import Fault
from tests.chaos.traffic import Mix, bad_message

if TYPE_CHECKING:
    from tests.chaos.harness import Chaos

EVENTS = 150_000
LATENESS = {"an hour": timedelta(hours=1), "two days": timedelta(days=2), "forty days": timedelta(days=40)}


def fold(chaos: Chaos) -> None:
    """Have two workers fold what comes."""
    chaos.start_workers(2)
    chaos.struck()


def send_bad_messages(chaos: Chaos) -> None:
    """Send nothing but bad messages to one partition while the others go on."""
    chaos.start_workers(2)
    rnd = random.Random(chaos.times)
    chaos.deployment.send([bad_message(rnd, 1) for _ in range(chaos.times)])
    for _ in range(chaos.times):
        chaos.struck()


def way(key: str, title: str, mix: Mix, *, short: int = 0) -> Fault:
    """Return a fault of the way that events take to Kafka."""
    return Fault(
        key=f"6-{key}",
        title=title,
        times=1,
        short=short,
        strike=fold,
        mix=mix,
        rate=None,
        events=EVENTS,
        short_events=20_000,
    )


FAULTS = (
    *(
        way(f"twice-{percent}", f"{percent} % of the events twice", Mix(duplicates=percent / 100))
        for percent in (1, 10, 50)
    ),
    *(
        way(f"shuffle-{window}", f"shuffled over {window:,} events", Mix(shuffled=window))
        for window in (10, 100_000)
    ),
    *(
        way(f"late-{name.replace(' ', '-')}", f"10 % of the events late by {name}", Mix(late=0.1, late_by=by))
        for name, by in LATENESS.items()
    ),
    way(
        "all",
        "20 % twice, shuffled over 1,000, 10 % late by two days",
        Mix(duplicates=0.2, shuffled=1_000, late=0.1, late_by=timedelta(days=2)),
        short=1,
    ),
    Fault(
        key="7-row",
        title="bad messages in a row",
        times=10_000,
        short=1_000,
        strike=send_bad_messages,
    ),
    Fault(
        key="7-mixed",
        title="one of three messages bad",
        times=1,
        short=1,
        strike=fold,
        mix=Mix(bad=0.5),
        rate=None,
        events=60_000,
        short_events=10_000,
    ),
)
