"""Whether what was read is what the broker has. Pure: time is an argument, in seconds of any one clock."""

from collections.abc import Mapping
from typing import Any, NamedTuple

#: By partition.
Offsets = Mapping[Any, int]


class _Asked(NamedTuple):
    at: float
    ends: Offsets


class Freshness:
    """Fresh is a reader that has read, of every partition, all that there was ``limit`` seconds ago.

    That one rule covers a reader that has just started, one that has lost the broker or a partition's leader,
    and one that cannot follow.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._caught_up_at: float | None = None
        self._waits_for: _Asked | None = None
        self._newest: _Asked | None = None
        #: Offsets that are still to be read, as far as is known.
        self.remaining = 0

    def asked(self, at: float, ends: Offsets) -> None:
        """Take where all partitions ended; ``at`` is when the broker was asked."""
        self._newest = _Asked(at, {**ends})
        if self._waits_for is None:
            self._waits_for = self._newest

    def reached(self, positions: Offsets) -> None:
        """Take how far all partitions are read."""
        while (wanted := self._waits_for) is not None and _remaining(positions, wanted.ends) == 0:
            self._caught_up_at = wanted.at
            self._waits_for = self._newest if self._newest is not wanted else None
        self.remaining = _remaining(positions, self._newest.ends) if self._newest is not None else 0

    @property
    def was_complete(self) -> bool:
        """Whether the end was reached at any time."""
        return self._caught_up_at is not None

    def is_fresh(self, now: float) -> bool:
        """Say whether all is read that there was ``limit`` seconds ago."""
        return self._caught_up_at is not None and now - self._caught_up_at <= self._limit


def _remaining(positions: Offsets, ends: Offsets) -> int:
    return sum(max(0, end - positions.get(tp, 0)) for tp, end in ends.items())
