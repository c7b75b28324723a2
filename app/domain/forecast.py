"""What a scope will save if it goes on like this: the reference's getForecast.

Sums are of nano-dollars and exact; only the results are floats.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal, TypeAlias

import msgspec

from app.domain.calendar import DayCell, day_of
from app.domain.money import NANOS_PER_DOLLAR

#: The most days, today among them, that a forecast is based on.
WINDOW_DAYS: Final = 14

Trend: TypeAlias = Literal["up", "flat", "down"]


class Forecast(msgspec.Struct, frozen=True, gc=False):
    """The reference's result, in dollars."""

    next_7_days_savings: float = msgspec.field(name="next7DaysSavings", default=0.0)
    next_30_days_savings: float = msgspec.field(name="next30DaysSavings", default=0.0)
    next_365_days_savings: float = msgspec.field(name="next365DaysSavings", default=0.0)
    based_on_days: int = msgspec.field(name="basedOnDays", default=0)
    daily_average: float = msgspec.field(name="dailyAverage", default=0.0)
    trend: Trend = "flat"


def forecast(cells: Mapping[int, DayCell], today: date) -> Forecast:
    """Extrapolate the savings of the last days, at most WINDOW_DAYS, those without savings among them.

    The window begins with the scope's first saving at the earliest; without one there is no forecast.
    """
    last = day_of(today)
    first_saving = min((day for day, cell in cells.items() if cell.cost_saved), default=last + 1)
    first = max(first_saving, last - WINDOW_DAYS + 1)
    points = [cells[day].cost_saved if day in cells else 0 for day in range(first, last + 1)]
    if not points:
        return Forecast()
    total, count = sum(points), len(points)
    return Forecast(
        next_7_days_savings=_dollars(7 * total, count),
        next_30_days_savings=_dollars(30 * total, count),
        next_365_days_savings=_dollars(365 * total, count),
        based_on_days=count,
        daily_average=_dollars(total, count),
        trend=trend(points),
    )


def trend(points: Sequence[int]) -> Trend:
    """Compare the average of the later half of the days with that of the earlier; more than 10 % is a trend.

    As in the reference a single day is a later half, so savings of one day only are a trend upwards.
    """
    half = len(points) // 2
    # The two averages, each multiplied by both counts, and by 10 to compare with 110 % and 90 %.
    first = sum(points[:half]) * max(1, len(points) - half)
    second = sum(points[half:]) * max(1, half)
    if 10 * second > 11 * first:
        return "up"
    if 10 * second < 9 * first:
        return "down"
    return "flat"


def _dollars(nanos: int, days: int) -> float:
    return nanos / (days * NANOS_PER_DOLLAR)
