"""The calendar of a scope (the reference's getCalendarHeatmap): its last days, and how busy each was."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from app.domain.events import EPOCH_ORDINAL

#: How many days the calendar goes back by default, as in the reference.
CALENDAR_DAYS: Final = 365

CalendarLevel: TypeAlias = Literal[0, 1, 2, 3, 4]


class DayCell(Protocol):
    """What happened on a day: requests, and what cache hits saved (tokens; nano-dollars)."""

    requests: int
    tokens_saved: int
    cost_saved: int


class CalendarDay(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A cell of the reference's getCalendarHeatmap."""

    date: date
    count: int
    tokens_saved: int
    level: CalendarLevel


def day_of(today: date) -> int:
    """Return days since 1970-01-01."""
    return today.toordinal() - EPOCH_ORDINAL


def calendar(cells: Mapping[int, DayCell], today: date, days: int = CALENDAR_DAYS) -> tuple[CalendarDay, ...]:
    """Return the last ``days`` days up to today; their levels are quartiles of the days with requests.

    ``cells`` are by day (days since 1970-01-01 UTC).
    """
    last = day_of(today)
    window = [(day, cells.get(day)) for day in range(last - days + 1, last + 1)]
    bounds = _quartiles([cell.requests for _, cell in window if cell is not None])
    return tuple(
        CalendarDay(
            date=date.fromordinal(day + EPOCH_ORDINAL),
            count=cell.requests if cell is not None else 0,
            tokens_saved=cell.tokens_saved if cell is not None else 0,
            level=_level(cell.requests, bounds) if cell is not None else 0,
        )
        for day, cell in window
    )


def _quartiles(counts: Sequence[int]) -> tuple[int, int, int]:
    active = sorted(count for count in counts if count > 0) or [0]
    return active[len(active) // 4], active[len(active) // 2], active[len(active) * 3 // 4]


def _level(count: int, bounds: tuple[int, int, int]) -> CalendarLevel:
    first, second, third = bounds
    if count > third:
        return 4
    if count > second:
        return 3
    if count > first:
        return 2
    return 1 if count else 0
