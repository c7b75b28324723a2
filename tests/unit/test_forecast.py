from __future__ import annotations

from datetime import date

import pytest

from app.domain.calendar import day_of
from app.domain.forecast import Forecast, forecast
from tables.days import Cell

TODAY = date(2026, 1, 31)
LAST = day_of(TODAY)
DOLLAR = 10**9


@pytest.mark.parametrize(
    ("days_ago", "days", "average"),
    [
        ([0], 1, 14.0),
        ([3], 4, 3.5),
        ([13], 14, 1.0),
        ([14], 14, 0.0),
        ([400], 14, 0.0),
        ([400, 0], 14, 1.0),
        ([13, 14], 14, 1.0),
    ],
)
def test_the_window_begins_with_the_first_saving(days_ago: list[int], days: int, average: float) -> None:
    """A quiet day since the first saving ever is a day, at most a fortnight of them."""
    cells = {LAST - ago: Cell(cost_saved=14 * DOLLAR) for ago in days_ago}
    found = forecast(cells, TODAY)
    assert (found.based_on_days, found.daily_average) == (days, average)
    assert (found.next_7_days_savings, found.next_365_days_savings) == (7 * average, 365 * average)


def test_without_savings_there_is_no_forecast() -> None:
    """Requests alone save nothing; neither do savings of tomorrow, which is not over."""
    assert forecast({}, TODAY) == Forecast()
    assert forecast({LAST: Cell(requests=5, tokens_saved=7)}, TODAY) == Forecast()
    assert forecast({LAST + 1: Cell(cost_saved=DOLLAR)}, TODAY) == Forecast()


def test_only_quiet_days_are_flat() -> None:
    """Where nothing was saved for a fortnight, nothing rises and nothing falls."""
    assert forecast({LAST - 30: Cell(cost_saved=DOLLAR)}, TODAY).trend == "flat"
