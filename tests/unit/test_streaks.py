from datetime import date

import pytest

from app.domain.streaks import (
    STREAK_LIMIT,
    DaySet,
    add_day,
    count_days,
    current_streak,
    has_day,
    iter_days,
    longest_run,
    run_around,
    union,
)


def days_of(*days: int) -> DaySet:
    """A set of these days."""
    made: DaySet = {}
    for day in days:
        add_day(made, day)
    return made


def day_number(text: str) -> int:
    """The number of an ISO date."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def test_a_day_is_new_once() -> None:
    """A day is new the first time and not again."""
    days: DaySet = {}
    assert add_day(days, 19_000)
    assert not add_day(days, 19_000)
    assert days == {19_000 >> 6: 1 << (19_000 & 63)}


@pytest.mark.parametrize("day", [-65, -64, -63, -1, 0, 1, 63, 64, 20_000])
def test_a_day_is_found_and_its_neighbours_are_not(day: int) -> None:
    """A day is found wherever it lies in a page, before 1970 too, and its neighbours are not."""
    days = days_of(day)
    assert has_day(days, day)
    assert not has_day(days, day - 1)
    assert not has_day(days, day + 1)
    assert list(iter_days(days)) == [day]
    assert all(0 < mask < 2**64 for mask in days.values())


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2024-01-30", "2024-02-02"),
        ("2024-02-27", "2024-03-02"),
        ("2023-02-27", "2023-03-02"),
        ("2023-12-25", "2024-01-07"),
        ("1969-12-20", "1970-01-10"),
        ("2020-01-01", "2024-12-31"),
    ],
)
def test_a_run_goes_on_across_borders_of_months_and_years(first: str, last: str) -> None:
    """A run of days is not broken by the end of a month or a year, by a leap day, by 1970 or by the end of a page."""
    a, b = day_number(first), day_number(last)
    days = days_of(*range(a, b + 1))
    length = b - a + 1
    assert run_around(days, a) == run_around(days, b) == run_around(days, (a + b) // 2) == length
    assert longest_run(days) == count_days(days) == length
    assert run_around(days, a - 1) == run_around(days, b + 1) == 0


def test_a_missing_leap_day_breaks_a_run() -> None:
    """28 February and 1 March are neighbours in 2023 and not in 2024."""
    assert longest_run(days_of(day_number("2023-02-28"), day_number("2023-03-01"))) == 2
    assert longest_run(days_of(day_number("2024-02-28"), day_number("2024-03-01"))) == 1


@pytest.mark.parametrize("gap", [-64, -1, 0, 63, 64, 127, 128])
def test_a_late_day_joins_two_runs(gap: int) -> None:
    """A day that arrives late joins the runs before and after it, wherever the border of a page is."""
    days = days_of(*range(gap - 100, gap), *range(gap + 1, gap + 200))
    assert longest_run(days) == 199
    assert run_around(days, gap) == 0
    add_day(days, gap)
    assert run_around(days, gap) == longest_run(days) == 300


def test_no_days_have_no_run() -> None:
    """An empty set has no run, no streak and no days."""
    assert longest_run({}) == run_around({}, 5) == current_streak({}, 5) == count_days({}) == 0
    assert list(iter_days({})) == []


TODAY = day_number("2024-03-01")


@pytest.mark.parametrize(
    ("newest", "streak"),
    [(TODAY, 5), (TODAY - 1, 5), (TODAY - 2, 0), (TODAY - 400, 0), (TODAY + 1, 5), (TODAY + 300, 5)],
)
def test_a_streak_has_one_day_of_grace(newest: int, streak: int) -> None:
    """A streak counts back from the most recent day, which may be yesterday but not older, or in the future."""
    assert current_streak(days_of(*range(newest - 4, newest + 1), newest - 6), TODAY) == streak


@pytest.mark.parametrize("length", [STREAK_LIMIT - 1, STREAK_LIMIT, STREAK_LIMIT + 1, 5_000])
def test_a_streak_is_counted_to_its_limit(length: int) -> None:
    """A streak is counted up to 365 days, as the reference reads no more; the longest run is not cut."""
    days = days_of(*range(TODAY - length + 1, TODAY + 1))
    assert current_streak(days, TODAY) == min(length, 365)
    assert longest_run(days) == length


def test_a_union_leaves_its_sets_alone() -> None:
    """A union is a new set, and the two that it was made of stay as they were."""
    a, b = days_of(1, 2, 70), days_of(2, 3, -5)
    assert list(iter_days(union(a, b))) == [-5, 1, 2, 3, 70]
    assert list(iter_days(a)) == [1, 2, 70]
    assert list(iter_days(b)) == [-5, 2, 3]
