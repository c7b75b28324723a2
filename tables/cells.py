"""The day cells of a scope in memory: rows of ``days``, all but ready to be written.

One day is open: its sums are integers that events add to. The other cells of its month are as the month's
row has them, encoded, and ``_present`` says of which days there are some: so a day that is new, as most are
when a caller has few events, takes no search, and a row is written by putting a head before what is there.
Other months are at rest. Compiled where a compiler was at hand.
"""

from typing import Final

import msgspec
from mypy_extensions import i64, mypyc_attr

from app.engine.fold import Row
from tables import days
from tables.codec import LARGEST, VERSION
from tables.packed import COMPILED, int_at, size_at
from tables.rows import Rows

#: No day at all.
_NONE: Final = -(2**40)

#: What a row of ``days`` has before its pairs of a day and a cell, by how many they are: MessagePack's head
#: of an array of two, the version, and the head of a map, of few or of many.
_HEADS: Final = [
    *(bytes([0x92, VERSION, 0x80 | pairs]) for pairs in range(16)),
    *(bytes([0x92, VERSION, 0xDE, 0, pairs]) for pairs in range(16, 32)),
]

_encode: Final = msgspec.msgpack.Encoder().encode


@mypyc_attr(acyclic=True)
class Cells:
    """Sums by day. ``requests``, ``tokens_saved`` and ``cost_saved`` (nano-dollars) are the open day's."""

    __slots__ = (
        "_changed",
        "_day",
        "_end",
        "_first",
        "_key",
        "_left",
        "_month",
        "_pairs",
        "_present",
        "_rows",
        "cost_saved",
        "requests",
        "tokens_saved",
    )

    def __init__(self, key: bytes, rows: Rows) -> None:
        self._key = key
        self._rows = rows
        self._day = _NONE
        self.requests = 0
        self.tokens_saved = 0
        self.cost_saved = 0
        #: The month of the open day: its name, its first day and the one after its last.
        self._month = ""
        self._first = 0
        self._end = 0
        #: Its other cells, as its row has them behind the head; bit i is set if there is one of its day i.
        self._pairs = b""
        self._present = 0
        self._changed = False
        #: Months that are at rest again and not in the log yet.
        self._left: list[str] = []

    def open(self, day: int) -> None:
        """Have an event count for this day. The hot path: of a busy caller it is open already."""
        if day != self._day:
            self._turn_to(day)
        self._changed = True

    def _turn_to(self, day: int) -> None:
        self._settle()
        if not self._first <= day < self._end:
            self._leave_month()
            self._enter_month(day)
        self._day = day
        if self._present >> (day - self._first) & 1:
            self._take_out(day)
        else:
            self.requests = self.tokens_saved = self.cost_saved = 0

    def _settle(self) -> None:
        """Put the cell of the open day to the others."""
        if self._day != _NONE:
            self._pairs += self._pair()
            self._present |= 1 << (self._day - self._first)
            self._day = _NONE

    def _pair(self) -> bytes:
        """Return the open day and its cell as a row has them."""
        sums = (self.requests, self.tokens_saved, self.cost_saved)
        try:
            return _encode(self._day) + _encode(sums)
        except OverflowError:
            return _encode(self._day) + _encode([min(each, LARGEST) for each in sums])

    def _take_out(self, day: int) -> None:
        """Open a day that has a cell already."""
        if COMPILED:
            self._cut_out(day)
            return
        cells = days.CODEC.decode(self._row()).cells
        cell = cells.pop(day)
        self.requests, self.tokens_saved, self.cost_saved = cell.requests, cell.tokens_saved, cell.cost_saved
        self._hold(cells)

    def _cut_out(self, day: int) -> None:
        """Do the same by looking through the bytes of the pairs: not worth it as plain Python."""
        pairs = self._pairs
        start: i64 = 0
        while int_at(pairs, start) != day:
            start = self._end_of_pair(pairs, start)
        requests = start + size_at(pairs, start) + 1  # behind the head of an array of three
        tokens_saved = requests + size_at(pairs, requests)
        cost_saved = tokens_saved + size_at(pairs, tokens_saved)
        self.requests = int_at(pairs, requests)
        self.tokens_saved = int_at(pairs, tokens_saved)
        self.cost_saved = int_at(pairs, cost_saved)
        self._pairs = pairs[:start] + pairs[cost_saved + size_at(pairs, cost_saved) :]
        self._present &= ~(1 << (day - self._first))

    def _end_of_pair(self, pairs: bytes, place: i64) -> i64:
        place += size_at(pairs, place) + 1
        place += size_at(pairs, place)
        place += size_at(pairs, place)
        return place + size_at(pairs, place)

    def _hold(self, cells: dict[int, days.Cell]) -> None:
        """Take these for the other cells of the month."""
        self._pairs = days.CODEC.encode(days.Month(cells=cells))[len(_HEADS[len(cells)]) :]
        self._present = 0
        for day in cells:
            self._present |= 1 << (day - self._first)

    def _enter_month(self, day: int) -> None:
        self._month = days.month_of(day)
        self._first, self._end = days.bounds_of(self._month)
        self._hold(self._rows.take(days.TABLE, days.key_of(self._month, self._key)).cells)
        if self._month in self._left:
            self._left.remove(self._month)

    def _leave_month(self) -> None:
        """Have the month rest."""
        if self._pairs:
            self._rows.keep(days.TABLE, days.key_of(self._month, self._key), self._row())
        if self._changed:
            self._left.append(self._month)
            self._changed = False

    def _row(self) -> bytes:
        return _HEADS[self._present.bit_count()] + self._pairs

    def changed_rows(self) -> list[Row]:
        """Return the rows that are not in the log yet, and take them for written."""
        written = []
        for month in self._left:
            key = days.key_of(month, self._key)
            written.append(Row(days.TABLE, key, self._rows.peek(days.TABLE, key)))
        self._left.clear()
        if self._changed:
            row = _HEADS[self._present.bit_count() + 1] + self._pairs + self._pair()
            written.append(Row(days.TABLE, days.key_of(self._month, self._key), row))
            self._changed = False
        return written

    def rest(self) -> None:
        """Have all rest, as the log has it. Not to be used any more."""
        self._settle()
        self._leave_month()
