"""What was read of the changelogs since the last write: the newest row of each key, still encoded. No I/O."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from app.engine.fold import Record
from tables import counters, days, gateway, models, streaks, unlocks

#: The changelogs with the rows of callers and of shares, and those of the gateway's stage: one partition
#: each.
CALLER_TABLES: Final = (counters.TABLE, days.TABLE, models.TABLE, streaks.TABLE, unlocks.TABLE)
GATEWAY_TABLES: Final = (gateway.SHARES, gateway.HELD, gateway.UNLOCKS)


class Place(NamedTuple):
    """A partition of a table's changelog."""

    table: str
    partition: int


class Reached(NamedTuple):
    """How far a place was read: the next offset, and the newest timestamp (ms, 0 where nothing was)."""

    next_offset: int
    newest: int


class Batch:
    """Rows by place and key, each replacing the one before, and how far each place was read."""

    def __init__(self) -> None:
        self._rows: dict[Place, dict[bytes, bytes | None]] = {}
        self.reached: dict[Place, Reached] = {}
        #: How many records were taken.
        self.taken = 0

    def take(self, place: Place, records: Iterable[Record]) -> None:
        """Take records of a place, in order. The hot path."""
        rows = self._rows.setdefault(place, {})
        before = self.reached.get(place)
        newest = before.newest if before is not None else 0
        offset, taken = -1, 0
        for record in records:
            offset = record.offset
            rows[record.key or b""] = record.value
            newest = max(newest, record.timestamp)
            taken += 1
        if taken:
            self.reached[place] = Reached(offset + 1, newest)
            self.taken += taken

    def rows(self) -> Iterator[tuple[Place, dict[bytes, bytes | None]]]:
        """Yield the newest rows of each place, by key; None where a row was removed."""
        yield from self._rows.items()
