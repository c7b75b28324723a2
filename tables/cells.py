"""The day cells of a scope in memory: rows of ``days``, all but ready to be written.

One day is open: its sums are integers that events add to. The other cells of its month are as the month's
row has them, encoded, and ``_present`` says of which days there are some: so a day that is new, as most are
when a caller has few events, takes no search, and a row is written by putting a head before what is there.
Other months are as they rest. Compiled where a compiler was at hand.
"""

from typing import Final

import msgspec
from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from app.engine.fold import Row
from tables import days, rows
from tables.codec import LARGEST, VERSION
from tables.packed import COMPILED, int_at, size_at, write_int

#: No day at all.
_NONE: Final = -(2**40)

# MessagePack's head of a map of few: the number of its pairs is in its low bits.
_MAP_OF_FEW: Final = 0x80
_FEW: Final = 0x0F

#: What a row of ``days`` has before its pairs of a day and a cell, by how many they are: MessagePack's head
#: of an array of two, the version, and the head of a map, of few or of many.
_HEADS: Final = [
    *(bytes([0x92, VERSION, _MAP_OF_FEW | pairs]) for pairs in range(16)),
    *(bytes([0x92, VERSION, 0xDE, 0, pairs]) for pairs in range(16, 32)),
]

#: Bytes of the shortest row of ``days`` that has a cell: its head, a day, and the cell.
_SHORTEST: Final = 8

#: What a cell begins with: MessagePack's head of an array of three.
_THREE: Final = 0x93

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
        "_months",
        "_pairs",
        "_present",
        "cost_saved",
        "requests",
        "tokens_saved",
    )

    def __init__(self, key: bytes, months: bytes = b"") -> None:
        """Take the scope's key, and its rows of ``days``, joined as in ``rows``."""
        self._key = key
        #: All months but that of the open day.
        self._months = months
        self._day = _NONE
        self.requests = 0
        self.tokens_saved = 0
        self.cost_saved = 0
        #: The month of the open day: its name, its first day and the one after its last.
        self._month = b""
        self._first = 0
        self._end = 0
        #: Its other cells, as its row has them behind the head; bit i is set if there is one of its day i.
        self._pairs = b""
        self._present = 0
        self._changed = False
        #: Months that were left and are not in the log yet.
        self._left: list[bytes] | None = None

    def open(self, day: int) -> None:
        """Have an event count for this day. The hot path: of a busy caller it is open already."""
        if day != self._day:
            self._turn_to(day)
        self._changed = True

    def _turn_to(self, day: int) -> None:
        self.settle()
        if not self._first <= day < self._end:
            self._leave_month()
            self._enter_month(day)
        if self._present >> (day - self._first) & 1:
            self._take_out(day)
        else:
            self.requests = self.tokens_saved = self.cost_saved = 0
        self._day = day  # not before its cell is out: a row has the open day beside the others

    def settle(self) -> None:
        """Put the cell of the open day to the others: no event is expected for it."""
        if self._day != _NONE:
            self._pairs += self._pair()
            self._present |= 1 << (self._day - self._first)
            self._day = _NONE

    def _pair(self) -> bytes:
        """Return the open day and its cell as a row has them."""
        sums = (self.requests, self.tokens_saved, self.cost_saved)
        try:
            return self._written() if COMPILED else _encode(self._day) + _encode(sums)
        except OverflowError:
            return _encode(self._day) + _encode([min(each, LARGEST) for each in sums])

    def _written(self) -> bytes:
        """Do the same by writing byte by byte: not worth it as plain Python. Raises ``OverflowError``."""
        out = BytesWriter()
        write_int(out, self._day)
        out.append(_THREE)
        write_int(out, self.requests)
        write_int(out, self.tokens_saved)
        write_int(out, self.cost_saved)
        return out.getvalue()

    def _take_out(self, day: int) -> None:
        """Open a day that has a cell already."""
        if COMPILED:
            self._cut_out(day)
            return
        cells = days.CODEC.decode(self._row()).cells
        cell = cells.pop(day)
        self.requests, self.tokens_saved, self.cost_saved = cell.requests, cell.tokens_saved, cell.cost_saved
        self._hold_cells(cells)

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

    def _hold(self, row: bytes) -> None:
        """Take the cells of a row for the other cells of the month."""
        if not (COMPILED and self._hold_bytes(row)):
            self._hold_cells(days.CODEC.decode(row).cells)

    def _hold_cells(self, cells: dict[int, days.Cell]) -> None:
        self._pairs = days.CODEC.encode(days.Month(cells=cells))[len(_HEADS[len(cells)]) :]
        self._present = 0
        for day in cells:
            self._present |= 1 << (day - self._first)

    def _hold_bytes(self, row: bytes) -> bool:
        """Look through the bytes of a row instead; return False if they are not as rows are written here."""
        if len(row) < _SHORTEST:
            return False
        count: i64 = row[2] & _FEW if row[2] <= _MAP_OF_FEW | _FEW else row[4]
        if count >= len(_HEADS) or not row.startswith(_HEADS[count]):
            return False
        head = _HEADS[count]
        pairs, present = row[len(head) :], 0
        place: i64 = 0
        while count > 0:
            count -= 1
            cell = place + size_at(pairs, place)
            if pairs[cell] != _THREE:
                return False
            present |= 1 << (int_at(pairs, place) - self._first)
            place = self._end_of_pair(pairs, place)
        self._pairs, self._present = pairs, present
        return place == len(pairs)

    def _enter_month(self, day: int) -> None:
        self._month, self._first, self._end = days.month_around(day)
        row, self._months = rows.cut(self._months, rows.DAYS + self._month)
        if not row:
            self._pairs, self._present = b"", 0
            return
        self._hold(row)
        if self._left is not None and self._month in self._left:
            self._left.remove(self._month)

    def _leave_month(self) -> None:
        """Put the month to the others."""
        if self._present:  # no day is open
            self._months += rows.joined(rows.DAYS + self._month, self._row())
        if self._changed:
            if self._left is None:
                self._left = []
            self._left.append(self._month)
            self._changed = False

    def _row(self) -> bytes:
        if self._day == _NONE:
            return _HEADS[self._present.bit_count()] + self._pairs
        return _HEADS[self._present.bit_count() + 1] + self._pairs + self._pair()

    def changed_rows(self) -> list[Row]:
        """Return the rows that are not in the log yet, and take them for written."""
        written = []
        if self._left is not None:
            for month in self._left:
                row = rows.row_of(self._months, rows.DAYS + month)
                written.append(Row(days.TABLE, month + self._key, row))
            self._left = None
        if self._changed:
            written.append(Row(days.TABLE, self._month + self._key, self._row()))
            self._changed = False
        return written

    def rest(self) -> bytes:
        """Return all rows, joined: all are in the log. Not to be used any more."""
        self.settle()
        self._leave_month()
        return self._months
