"""The calendar as a grid like GitHub's: a column for each week, Sunday on top, today at the end."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from rich.text import Text

from app.domain.calendar import CalendarDay
from app.view import words

MOST_WEEKS: Final = 52
_DAYS_OF_WEEK = 7
_LABELS = ("   ", "Mon", "   ", "Wed", "   ", "Fri", "   ")
_LABEL_CELLS = 4
_MONTH_CELLS = 4

#: By level. Where there are no colours, the glyph alone tells the level.
_STYLES = (words.QUIET, "#a89984", "#d9a520", "#e8710a", "#d6301d")
_COLOURED = "·■■■■"
_UNCOLOURED = "·░▒▓█"


def weeks_that_fit(width: int) -> int:
    """Return how many weeks a terminal of so many columns can show, at most a year."""
    return max(1, min(MOST_WEEKS, (width - _LABEL_CELLS) // 2))


def grid(calendar: Sequence[CalendarDay], weeks: int, *, coloured: bool) -> list[Text]:
    """Return the lines: months, then seven days of ``weeks`` weeks, then what the glyphs mean."""
    columns = _columns(calendar, weeks)
    glyphs = _COLOURED if coloured else _UNCOLOURED
    lines = [Text(" " * _LABEL_CELLS + _months(columns), style=words.QUIET)]
    for weekday, label in enumerate(_LABELS):
        line = Text(f"{label} ", style=words.QUIET)
        for column in columns:
            day = column[weekday]
            line.append(f"{glyphs[day.level]} " if day else "  ", _STYLES[day.level] if day else None)
        lines.append(line)
    legend = Text(" " * _LABEL_CELLS + "less ", style=words.QUIET)
    for glyph, style in zip(glyphs, _STYLES, strict=True):
        legend.append(f"{glyph} ", style)
    lines.append(legend.append("more"))
    for line in lines:
        line.rstrip()
    return lines


def _columns(calendar: Sequence[CalendarDay], weeks: int) -> list[list[CalendarDay | None]]:
    """Return the newest weeks, seven days each from Sunday on; None is a day outside the calendar."""
    cells: list[CalendarDay | None] = [None] * (calendar[0].date.isoweekday() % _DAYS_OF_WEEK)
    cells += calendar
    cells += [None] * (-len(cells) % _DAYS_OF_WEEK)
    columns = [cells[start : start + _DAYS_OF_WEEK] for start in range(0, len(cells), _DAYS_OF_WEEK)]
    return columns[-weeks:]


def _months(columns: Sequence[Sequence[CalendarDay | None]]) -> str:
    """Return the names of the months, each above the week that has its first day, where there is room."""
    firsts = [next(day.date for day in column if day) for column in columns]
    line = f"{firsts[0]:%b}" if not _is_last_week(firsts) else ""
    for number, (before, first) in enumerate(pairwise(firsts), start=1):
        if before.month != first.month and len(line) + 1 <= 2 * number:
            line = line.ljust(2 * number) + f"{first:%b}"
    return line[: max(_MONTH_CELLS, 2 * len(columns))]


def _is_last_week(firsts: Sequence[date]) -> bool:
    """Say whether the first month ends with the first week: its name would be in the way of the next."""
    return any(first.month != firsts[0].month for first in firsts[1:2])
