from collections.abc import Collection

from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.streaks import (
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

# Runs rather than single days: random days alone would hardly ever make one.
runs = st.tuples(st.integers(-500, 500), st.integers(1, 450)).map(lambda run: range(run[0], run[0] + run[1]))
day_lists = st.lists(runs | st.lists(st.integers(-500, 500), max_size=5), max_size=6).map(
    lambda parts: [day for part in parts for day in part]
)


def days_of(days: Collection[int]) -> DaySet:
    """A set of these days."""
    made: DaySet = {}
    for day in days:
        add_day(made, day)
    return made


def reference_streak(distinct: set[int], today: int) -> int:
    """The reference's loop over the newest 365 days, newest first."""
    days = sorted(distinct, reverse=True)[:365]
    streak = 0
    if days and today - days[0] <= 1:
        cursor = days[0]
        for day in days:
            if day != cursor:
                break
            streak += 1
            cursor -= 1
    return streak


def plain_run(days: set[int], day: int) -> int:
    """The length of the run around a day, a day at a time."""
    if day not in days:
        return 0
    first = last = day
    while first - 1 in days:
        first -= 1
    while last + 1 in days:
        last += 1
    return last - first + 1


@given(day_lists, st.integers(-600, 1000))
@example(list(range(-64, 128)), 127)
def test_a_day_set_is_a_set_of_days(listed: list[int], day: int) -> None:
    """Pages of bits answer what a plain set of integers answers."""
    plain: set[int] = set()
    days: DaySet = {}
    for each in listed:
        assert add_day(days, each) is (each not in plain)
        plain.add(each)
    assert list(iter_days(days)) == sorted(plain)
    assert count_days(days) == len(plain)
    assert has_day(days, day) is (day in plain)
    assert run_around(days, day) == plain_run(plain, day)
    assert longest_run(days) == max((plain_run(plain, each) for each in plain), default=0)


@given(day_lists, st.integers(-2, 400))
def test_a_streak_is_the_references(listed: list[int], days_since_newest: int) -> None:
    """The current streak is what the reference's loop counts."""
    today = max(listed, default=0) + days_since_newest
    assert current_streak(days_of(listed), today) == reference_streak(set(listed), today)


@given(day_lists.filter(bool))
def test_following_the_run_of_each_new_day_finds_the_longest(listed: list[int]) -> None:
    """The maximum of the runs around each day as it arrives is the longest run, in whatever order days arrive."""
    days: DaySet = {}
    longest = 0
    for day in listed:
        if add_day(days, day):
            longest = max(longest, run_around(days, day))
    assert longest == longest_run(days)


@given(day_lists, day_lists)
def test_a_union_is_the_union_of_days(a: list[int], b: list[int]) -> None:
    """A union holds the days of both, whichever comes first, and is what adding them all makes."""
    assert union(days_of(a), days_of(b)) == union(days_of(b), days_of(a)) == days_of([*a, *b])
