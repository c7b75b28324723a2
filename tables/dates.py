"""The active days of a scope in memory: its row of ``streaks``. Compiled where a compiler was at hand."""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import mypyc_attr

from app.domain.streaks import DaySet, leading_ones, run_around, trailing_ones
from tables import streaks
from tables.codec import VERSION
from tables.packed import write_int

_PAGE_DAYS: Final = 64

#: The number of no page of days.
_NONE: Final = -(2**40)

# MessagePack's heads of an array of four, with the version, and of maps with one pair and none.
_HEAD: Final = bytes([0x94, VERSION])
_ONE_PAGE: Final = 0x81
_NO_PAGE: Final = 0x80


@mypyc_attr(acyclic=True)
class Dates:
    """Two sets of days, and the longest run in the first; see ``streaks.ActiveDays``.

    The page of the last day that was added is two integers here, which takes one look into memory; the other
    pages are in dictionaries, which most scopes do not need.
    """

    __slots__ = ("_active", "_closed", "_page", "_requested", "longest")

    def __init__(self, row: streaks.ActiveDays | None = None) -> None:
        self.longest: int = 0
        self._page = _NONE
        self._active = 0
        self._requested = 0
        #: All pages of both sets but the open one; None where there are no others.
        self._closed: tuple[DaySet, DaySet] | None = None
        if row is not None and row.active:
            self.longest = row.longest
            self._closed = (row.active, row.requested)

    def add_request(self, day: int) -> bool:
        """Add a day with a request; return whether anything changed."""
        if day >> 6 != self._page:
            self._turn_to(day >> 6)
        bit = 1 << (day & 63)
        if self._requested & bit:
            return False
        self._requested |= bit
        self.add_active(day)
        return True

    def add_active(self, day: int) -> bool:
        """Add a day of activity; return whether it is new. The hot path."""
        if day >> 6 != self._page:
            self._turn_to(day >> 6)
        bit = 1 << (day & 63)
        if self._active & bit:
            return False
        self._active |= bit
        self.longest = max(self.longest, self._run_around(day))
        return True

    def _run_around(self, day: int) -> int:
        """Return the length of the run of active days that a day is in."""
        place = day & 63
        before, after = leading_ones(self._active, place + 1), trailing_ones(self._active >> place)
        at_an_end = before > place or place + after == _PAGE_DAYS
        if at_an_end and self._closed is not None:
            return run_around(self._pages()[0], day)  # it may go on in the pages beside
        return before + after - 1

    def _turn_to(self, page: int) -> None:
        """Open a page, and put the one before to the others."""
        if self._closed is None and not self._active:
            self._page = page
            return
        active, requested = self._pages()
        self._page = page
        self._active, self._requested = active.pop(page, 0), requested.pop(page, 0)
        self._closed = (active, requested) if active else None

    def row(self) -> streaks.ActiveDays:
        """Return the row."""
        active, requested = self._pages()
        return streaks.ActiveDays(active=active, requested=requested, longest=self.longest)

    def encode(self) -> bytes:
        """Return the row, encoded. Most have one page: that needs no dictionaries."""
        if self._closed is None and self._active:
            out = BytesWriter()
            out.write(_HEAD)
            self._write_page(out, self._active)
            self._write_page(out, self._requested)
            write_int(out, self.longest)
            return out.getvalue()
        active, requested = self._pages()
        return streaks.CODEC.encode((VERSION, active, requested, self.longest))

    def _write_page(self, out: BytesWriter, days: int) -> None:
        """Write a set that has the open page at the most."""
        if not days:
            out.append(_NO_PAGE)
            return
        out.append(_ONE_PAGE)
        write_int(out, self._page)
        write_int(out, days)

    def _pages(self) -> tuple[DaySet, DaySet]:
        """Return all pages of both sets."""
        active: DaySet = {}
        requested: DaySet = {}
        if self._closed is not None:
            active.update(self._closed[0])
            requested.update(self._closed[1])
        if self._active:
            active[self._page] = self._active
        if self._requested:
            requested[self._page] = self._requested
        return active, requested
