"""``days``: what happened on each day, a scope and a month in a row. Key: ``YYYY-MM`` and the caller's id."""

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

from app.domain.events import EPOCH_ORDINAL
from tables.codec import Codec, VersionedRow

#: Bytes of a month in a key.
MONTH_BYTES: Final = 7


class Cell(msgspec.Struct, array_like=True, gc=False):
    """One day: requests, and what cache hits saved (tokens; nano-dollars)."""

    requests: int = 0
    tokens_saved: int = 0
    cost_saved: int = 0


class Month(VersionedRow, array_like=True, kw_only=True):
    """The cells of a month by day (days since 1970-01-01). Merging is adding cell by cell."""

    cells: dict[int, Cell] = msgspec.field(default_factory=dict)

    def cell(self, day: int) -> Cell:
        """Return the day's cell, a new one if nothing happened yet."""
        cell = self.cells.get(day)
        if cell is None:
            cell = self.cells[day] = Cell()
        return cell

    def add(self, other: "Month") -> None:
        """Add another scope's cells of the same month."""
        for day, theirs in other.cells.items():
            ours = self.cell(day)
            ours.requests += theirs.requests
            ours.tokens_saved += theirs.tokens_saved
            ours.cost_saved += theirs.cost_saved


def bounds_of(month: str) -> tuple[int, int]:
    """Return the first day of a month (``YYYY-MM``) and the one after its last."""
    first = date.fromisoformat(f"{month}-01")
    start = first.toordinal() - EPOCH_ORDINAL
    return start, start + monthrange(first.year, first.month)[1]


def month_of(day: int) -> str:
    """Return the month of a day as ``YYYY-MM``."""
    return date.fromordinal(day + EPOCH_ORDINAL).isoformat()[:7]


@lru_cache(maxsize=4096)
def month_around(day: int) -> tuple[bytes, int, int]:
    """Return the month of a day, as it is in keys, its first day and the one after its last."""
    month = month_of(day)
    first, end = bounds_of(month)
    return month.encode(), first, end


def key_of(month: str, caller_key: bytes) -> bytes:
    """Return the key of a row; the month has so many bytes, so the caller's id may hold any."""
    return month.encode() + caller_key


def split_key(key: bytes) -> tuple[str, bytes]:
    """Return the month and the caller's id of a key."""
    return key[:MONTH_BYTES].decode(), key[MONTH_BYTES:]


TABLE: Final = "days"
CODEC: Final[Codec[Month]] = Codec(Month)
