"""Sets of days as pages of 64 bits, and the runs of consecutive days in them.

A day is an integer, days since 1970-01-01 UTC; days before that are negative. Page `day >> 6` holds it as
bit `day & 63`. Sets only grow, and pages are never 0. A union is an OR per page, so the order in which days
arrive cannot matter, and a row with years of activity is a few dozen integers.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

DaySet: TypeAlias = dict[int, int]

#: The reference reads the newest 365 active days, so it never counts a longer streak.
STREAK_LIMIT: Final = 365

_PAGE_BITS: Final = 64
_FULL: Final = 2**64 - 1


def add_day(days: DaySet, day: int) -> bool:
    """Put a day into the set; say whether it is new."""
    page = day >> 6
    bit = 1 << (day & 63)
    mask = days.get(page, 0)
    if mask & bit:
        return False
    days[page] = mask | bit
    return True


def has_day(days: Mapping[int, int], day: int) -> bool:
    """Say whether a day is in the set."""
    return bool(days.get(day >> 6, 0) >> (day & 63) & 1)


def run_around(days: Mapping[int, int], day: int) -> int:
    """The length of the run of consecutive days that contains `day`; 0 where the day is absent."""
    if not has_day(days, day):
        return 0
    return _run_until(days, day) + _run_from(days, day) - 1


def longest_run(days: Mapping[int, int]) -> int:
    """The length of the longest run of consecutive days; 0 for no days."""
    longest = 0
    for page in sorted(days):
        before = days.get(page - 1, 0) >> 63
        mask = days[page]
        starts = mask & ~(mask << 1 | before)
        for day in _days_of(page, starts):
            longest = max(longest, _run_from(days, day))
    return longest


def current_streak(days: Mapping[int, int], today: int) -> int:
    """The run of days back from the most recent one, at most STREAK_LIMIT; 0 if that one is before yesterday.

    From the reference's gatherStats: one day of grace, because today has only begun, and a most recent day in
    the future counts too.
    """
    newest = _newest_day(days)
    if newest is None or newest < today - 1:
        return 0
    return min(_run_until(days, newest), STREAK_LIMIT)


def count_days(days: Mapping[int, int]) -> int:
    """How many days are in the set."""
    return sum(mask.bit_count() for mask in days.values())


def iter_days(days: Mapping[int, int]) -> Iterator[int]:
    """The days in ascending order."""
    for page in sorted(days):
        yield from _days_of(page, days[page])


def union(a: Mapping[int, int], b: Mapping[int, int]) -> DaySet:
    """The days that are in either set, as a new set."""
    both = dict(a)
    for page, mask in b.items():
        both[page] = both.get(page, 0) | mask
    return both


def _run_from(days: Mapping[int, int], day: int) -> int:
    """How many consecutive days, from `day` on, are in the set."""
    page = day >> 6
    length = trailing_ones(days.get(page, 0) >> (day & 63))
    if length < _PAGE_BITS - (day & 63):
        return length
    page += 1
    while (mask := days.get(page, 0)) == _FULL:
        length += _PAGE_BITS
        page += 1
    return length + trailing_ones(mask)


def _run_until(days: Mapping[int, int], day: int) -> int:
    """How many consecutive days, up to and with `day`, are in the set."""
    page = day >> 6
    bits = (day & 63) + 1
    length = leading_ones(days.get(page, 0), bits)
    if length < bits:
        return length
    page -= 1
    while (mask := days.get(page, 0)) == _FULL:
        length += _PAGE_BITS
        page -= 1
    return length + leading_ones(mask, _PAGE_BITS)


def trailing_ones(mask: int) -> int:
    """How many of the lowest bits are set before the first that is not."""
    return (~mask & (mask + 1)).bit_length() - 1


def leading_ones(mask: int, bits: int) -> int:
    """How many of the highest of the lowest `bits` bits are set before the first that is not."""
    return bits - (~mask & ((1 << bits) - 1)).bit_length()


def _newest_day(days: Mapping[int, int]) -> int | None:
    """The most recent day, or None where there are no days."""
    if not days:
        return None
    page = max(days)
    return (page << 6) + days[page].bit_length() - 1


def _days_of(page: int, mask: int) -> Iterator[int]:
    """The days of one page in ascending order."""
    while mask:
        lowest = mask & -mask
        yield (page << 6) + lowest.bit_length() - 1
        mask ^= lowest
