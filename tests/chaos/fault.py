"""What a fault is, and what came of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.traffic import Mix

if TYPE_CHECKING:
    from tests.chaos.harness import Chaos
    from tests.chaos.judge import Verdict
    from tests.chaos.supervisor import Departure

#: Starts brokers in a folder and yields their addresses; stops them in the end.
Brokers = Callable[[Path], AbstractContextManager[str]]

#: Said on the way: what is done, how often it was done, of how many times.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the table. ``strike`` starts workers and does the worst ``chaos.times`` times, then returns.

    Meanwhile a producer sends ``mix`` at ``rate`` messages per second, until ``strike`` returns, or ``events`` of them
    as fast as it can if the rate is None. Then the harness waits until all is folded, and judges.
    """

    #: What it is selected by, as ``1`` or ``2-after-fold``: the number is that of the list in docs/chaos.md.
    key: str
    title: str
    #: How often in the full form, and in the short one.
    times: int
    short: int
    strike: Callable[[Chaos], None]
    mix: Mix = field(default_factory=Mix)
    rate: int | None = 2_000
    events: int | None = None
    #: The same for the short form, None: as in the full one.
    short_events: int | None = None
    #: Exit statuses of workers that are no surprise here, beside 0 and what the harness does to them itself.
    expected: frozenset[int] = frozenset()
    #: Seconds; None: as in the product.
    session: float | None = None
    #: Settings of the deployment beside those of every test.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: None: one broker for all faults that need none of their own.
    brokers: Brokers | None = None
    #: Seconds within which everything must be folded after the last fault.
    patience: float = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a fault."""

    fault: Fault
    times: int
    verdict: Verdict
    #: The longest time from a fault to everything being folded that was in the input then, in seconds.
    recovery: float
    seconds: float
    departures: list[Departure]

    @property
    def is_clean(self) -> bool:
        """Say whether nothing is missing, extra or wrong."""
        return not self.verdict.differences

    @property
    def surprises(self) -> list[Departure]:
        """Return the workers that left for a reason that the fault does not explain."""
        return [each for each in self.departures if not each.expected]
