"""What the watchdog decides by: since when a partition stands still though it has something to fold."""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import TopicPartition

Offsets = Mapping[TopicPartition, int]


class Stuck(NamedTuple):
    """A partition that has stood at ``position`` for so many seconds while it ends at ``end``."""

    partition: TopicPartition
    position: int
    end: int
    seconds: float

    def __str__(self) -> str:
        topic, number = self.partition
        return (
            f"{topic}[{number}] stands at offset {self.position} and ends at {self.end}: "
            f"nothing was committed for {self.seconds:.0f} s"
        )


#: How many times as long a partition may stand while others move: a worker that is far behind folds megabytes
#: of each in turn, and of many.
IN_TURN = 5


class Progress:
    """Decides which partitions are stuck by what it is shown from time to time. Pure: time is an argument."""

    def __init__(self, limit: float) -> None:
        #: Seconds without progress after which a partition is stuck.
        self._limit = limit
        self._looked = 0.0
        #: When any partition was seen to move.
        self._moved = 0.0
        #: The position that a partition has, and since when it stands there with something behind it.
        self._stands: dict[TopicPartition, tuple[int, float]] = {}

    def forget(self) -> None:
        """Begin anew: what was seen belongs to another assignment."""
        self._stands = {}

    def is_at(self, partition: TopicPartition, position: int) -> bool:
        """Say whether a partition had this position at the last look, with something behind it."""
        return partition in self._stands and self._stands[partition][0] == position

    def look(self, now: float, positions: Offsets, ends: Offsets) -> list[Stuck]:
        """Return the partitions that have had something to fold for ``limit`` seconds and have not moved.

        While others move, each has ``IN_TURN`` times as long. ``positions`` are the committed ones, ``ends``
        are behind the last record that can be folded. After a pause of half the limit nothing is concluded
        from before it: the process slept, or nobody could look.
        """
        if now - self._looked > self._limit / 2:
            self.forget()
        self._looked = now
        if any(tp in positions and positions[tp] != stood for tp, (stood, _) in self._stands.items()):
            self._moved = now
        behind = {tp: position for tp, position in positions.items() if position < ends[tp]}
        since = {
            tp: self._stands[tp][1] if self.is_at(tp, position) else now for tp, position in behind.items()
        }
        self._stands = {tp: (position, since[tp]) for tp, position in behind.items()}
        return [
            Stuck(tp, position, ends[tp], now - since[tp])
            for tp, position in behind.items()
            if now - max(since[tp], self._moved) >= self._limit or now - since[tp] >= IN_TURN * self._limit
        ]
